"""One session of the reference over several ranks: a runner for each, in threads of this process, watched."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from models.api import Family, Item
from suite.contract.case import Setup
from suite.contract.shard_case import ENDINGS, Plant
from suite.contract.sharding import RankAnswer
from suite.contract.subject import Refused
from suite.emulator.ranks import RankMissing, RankRun, ThreadedCollectives, run_on_ranks
from suite.subjects.reference_parts import Parts
from suite.subjects.reference_rank import Rank, cannot_end, seen

DEADLINE_SECONDS = 10.0
"""After this long a rank that waits, or computes, counts as stuck."""


class ReferenceRanks:
    """Runners of one configuration, each with an emulated device and graphs of its own."""

    def __init__(self, family: Family, setup: Setup, *, ranks: int, parts: Parts) -> None:
        try:
            self._ranks = [Rank(rank, ranks, family=family, setup=setup, parts=parts) for rank in range(ranks)]
        except ValueError as error:
            raise Refused(str(error)) from error
        # One after the other: captures of one process do not nest, whichever thread begins them.
        for rank in self._ranks:
            rank.capture()

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> Sequence[RankAnswer]:
        """The batch on every rank at once, in a group of its own.

        Raises:
            AdapterBroken: the plant would end the process.
        """
        if plant is not None and plant.what in ENDINGS:
            cannot_end(plant)
        for number, rank in enumerate(self._ranks):
            rank.watch.begin(items, plant if plant is not None and plant.rank == number else None)
        run = run_on_ranks(len(self._ranks), partial(self._encode, items), deadline_seconds=DEADLINE_SECONDS)
        return [self._answer(rank, run) for rank in range(len(self._ranks))]

    def _encode(self, items: Sequence[Item], group: ThreadedCollectives) -> list[Tensor]:
        rank = self._ranks[group.rank]
        rank.seat.join(group)
        return rank.encode(items)

    def _answer(self, rank: int, run: RankRun[list[Tensor]]) -> RankAnswer:
        error = run.errors[rank]
        return RankAnswer(
            outputs=run.values[rank] if error is None else None,
            error=error,
            stuck=isinstance(error, RankMissing | TimeoutError),
            encoded=tuple(self._ranks[rank].watch.encoded),
            collectives=tuple(seen(call.shape, call.dtype) for call in run.calls[rank]),
        )

    def close(self) -> None:
        """Drops all graphs."""
        for rank in self._ranks:
            rank.close()
