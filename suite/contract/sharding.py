"""The facet of subjects that share batches out over ranks: one session over several ranks, and what each rank did.

Only subjects that declare `ranks` or `rank_processes` have it. Which items a rank encodes and which collectives it
enters is observed by the adapter where it happens, not asked of the subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from models.api import Family, Item
from suite.contract.case import Setup
from suite.contract.shard_case import Plant
from suite.contract.subject import Subject

LIMIT_SECONDS = 20.0
"""How long a batch may take on all ranks together before the subject counts as hung."""


@dataclass(frozen=True, order=True)
class SeenCollective:
    """One collective as one rank entered it: its name, and the tensor that the rank gave."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int

    def __str__(self) -> str:
        return f"{self.name} {list(self.shape)} {self.dtype}"


@dataclass(frozen=True, kw_only=True)
class RankAnswer:
    """What one rank made of one batch."""

    outputs: Sequence[Tensor] | None = None
    """One `[tokens, width]` per item of the whole batch, in order; None if the rank raised."""
    error: BaseException | None = None
    stuck: bool = False
    """Whether the rank would wait for ever on a real group, or did not come back here; `error` says where."""
    encoded: tuple[int, ...] = ()
    """Which items the rank's encoder was given, by their place in the batch, also if it then failed; -1: a stranger."""
    collectives: tuple[SeenCollective, ...] = ()
    """In the order in which the rank entered them."""


class RankSession(Protocol):
    """A configured, captured subject on several ranks."""

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> Sequence[RankAnswer]:
        """One answer per rank; every rank is given all items.

        With a plant, the encoder of that rank fails, or answers in another form, if it is given an item.
        """
        ...

    def close(self) -> None:
        """Gives everything back."""
        ...


class RankProcessSession(RankSession, Protocol):
    """The same with a process for each rank. What ranks gave out stays with them, and can be asked for again."""

    def held(self, batch: int) -> Sequence[RankAnswer]:
        """What each rank holds now of the outputs that it gave out for a batch; the first batch is number 0.

        A batch that failed has none.
        """
        ...

    def mark(self, batch: int, *, rank: int) -> Sequence[RankAnswer]:
        """Lets one rank fill each of its outputs of a batch with the item's place; then as `held`."""
        ...


@runtime_checkable
class ShardingSubject(Subject, Protocol):
    """A subject that shares batches out over ranks, in threads of one process."""

    def start_ranks(self, family: Family, setup: Setup, ranks: int) -> RankSession:
        """Capability `ranks`: a session over so many ranks, each with graphs of its own.

        Raises:
            Refused: the implementation refuses the setup or the number of ranks.
        """
        ...


@runtime_checkable
class RankProcessSubject(Subject, Protocol):
    """A subject whose ranks can be processes, joined as they are where it is used."""

    def start_rank_processes(self, family: Family, setup: Setup, ranks: int) -> RankProcessSession:
        """Capability `rank_processes`: a session over so many processes of this machine.

        Its `close` ends them all, whatever they do, and waits until they are gone.

        Raises:
            Refused: the implementation refuses the setup or the number of ranks.
        """
        ...
