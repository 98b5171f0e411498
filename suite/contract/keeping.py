"""The facet of subjects with a cache of encoder outputs: results are put under their items, and got back later.

Only subjects that declare `keeps_outputs` have it. What the cache holds is looked at by the adapter, not asked of the
subject: a slice of a batch counts with all the memory that it keeps alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from models.api import Family, Item
from suite.contract.case import Setup
from suite.contract.subject import Subject


@dataclass(frozen=True)
class Bound:
    """What a cache says that it holds at most. None: it says nothing."""

    bytes: int | None = None
    entries: int | None = None
    tokens: int | None = None
    """Output tokens of all results: rows, whatever memory they keep alive."""


class KeepingSession(Protocol):
    """A configured, captured subject with a cache of its results. Keys are made of the items, by whoever makes them."""

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """One `[tokens, width]` per item, in order, as the encoder returns them: nothing is asked of the cache."""
        ...

    def put(self, item: Item, result: Tensor) -> None:
        """Puts one result of `encode` as it came under its item's key; the cache may leave it or throw others out."""
        ...

    def get(self, item: Item) -> Tensor | None:
        """What is kept under the item's key; None if nothing is."""
        ...

    def drop(self, item: Item) -> None:
        """Capability `drops_kept`: lets go of what is kept under the item's key, if there is anything."""
        ...

    def clear(self) -> None:
        """Lets go of everything."""
        ...

    def holds(self) -> Sequence[Tensor]:
        """The very tensors that the cache holds now, observed by the adapter, which does not use the cache for it."""
        ...

    def bound(self) -> Bound:
        """What the cache says that it holds at most."""
        ...

    def close(self) -> None:
        """Gives everything back."""
        ...


@runtime_checkable
class KeepingSubject(Subject, Protocol):
    """A subject with a cache of encoder outputs."""

    def start_keeping(self, family: Family, setup: Setup, capacity_bytes: int) -> KeepingSession:
        """Capability `keeps_outputs`: a session whose cache has room for results of so many bytes.

        A cache that counts otherwise is given the nearest that it can be told.

        Raises:
            Refused: the implementation refuses the setup or the capacity.
        """
        ...
