"""A cache of outputs that is not the reference's: a list of entries, and one broken form of it for each law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor

from models.api import Family, Item
from models.towers import build_tower
from suite.contract.case import Setup
from suite.contract.keeping import Bound
from suite.contract.subject import Capabilities
from suite.subjects.undeclared import BareSubject

KEEPS = Capabilities(
    can_be_off=True, keeps_outputs=True, drops_kept=True, kept_can_be_written=True, keeps_least_recent_last=True
)


@dataclass
class Entry:
    """One kept result."""

    item: Item
    result: Tensor


class Keeper:
    """An encoder without graphs, and a list, the least recently used entry first."""

    def __init__(self, family: Family, room: int) -> None:
        self.tower = build_tower(family.name)
        self.room = room
        self.entries: list[Entry] = []

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """Each item alone in eager, as slices of one tensor."""
        results = [self.tower.encode(item.pixels, item.grid) for item in items]
        return torch.cat(results).split([len(each) for each in results]) if results else ()

    def put(self, item: Item, result: Tensor) -> None:
        """To the end of the list, others out from its front."""
        if self.find(item) is None and result.nbytes <= self.room:
            self.entries = [*self.room_for(result.nbytes), Entry(item, self.kept(result))]

    def kept(self, result: Tensor) -> Tensor:
        """What of a result is kept."""
        return result.clone()

    def room_for(self, size: int) -> list[Entry]:
        """The entries that stay when one of that size comes."""
        stay = list(self.entries)
        while sum(each.result.nbytes for each in stay) + size > self.room:
            stay.pop(0)
        return stay

    def find(self, item: Item) -> Entry | None:
        """The entry of an item, which then comes last."""
        found = next((each for each in self.entries if self.same(each.item, item)), None)
        if found is not None:
            self.entries = [*(each for each in self.entries if each is not found), found]
        return found

    def same(self, one: Item, other: Item) -> bool:
        """Whether two items have one result."""
        return one.grid == other.grid and torch.equal(one.pixels, other.pixels)

    def get(self, item: Item) -> Tensor | None:
        """A copy."""
        found = self.find(item)
        return None if found is None else found.result.clone()

    def drop(self, item: Item) -> None:
        """Out of the list."""
        self.entries = [each for each in self.entries if not self.same(each.item, item)]

    def clear(self) -> None:
        """An empty list."""
        self.entries = []

    def holds(self) -> Sequence[Tensor]:
        """What is in the list."""
        return [each.result for each in self.entries]

    def bound(self) -> Bound:
        """Bytes."""
        return Bound(bytes=self.room)

    def close(self) -> None:
        """Nothing to give back."""


class Stranger(BareSubject):
    """A subject that only keeps outputs."""

    name = "stranger"
    version = "1"
    capabilities = KEEPS

    def __init__(self, keeper: type[Keeper] = Keeper) -> None:
        self._keeper = keeper

    def start_keeping(self, family: Family, setup: Setup, capacity_bytes: int) -> Keeper:
        """Graphs are nothing to it."""
        return self._keeper(family, capacity_bytes)

    def start(self, family: Family, setup: Setup) -> NoReturn:
        """Not among its capabilities."""
        raise NotImplementedError


class _KnowsShapes(Keeper):
    def same(self, one: Item, other: Item) -> bool:
        return one.grid == other.grid


class _NeverForgets(Keeper):
    def clear(self) -> None:
        pass


class _MakesNoRoom(Keeper):
    def room_for(self, size: int) -> list[Entry]:
        return self.entries


class _KeepsSlices(Keeper):
    def kept(self, result: Tensor) -> Tensor:
        return result


class _TakesBack(Keeper):
    def get(self, item: Item) -> Tensor | None:
        found = self.find(item)
        return None if found is None else found.result

    def clear(self) -> None:
        for each in self.entries:
            each.result.zero_()
        super().clear()


class _LendsItsOwn(Keeper):
    def get(self, item: Item) -> Tensor | None:
        found = self.find(item)
        return None if found is None else found.result


class _KeepsNothing(Keeper):
    def put(self, item: Item, result: Tensor) -> None:
        pass


class _FirstInFirstOut(Keeper):
    def find(self, item: Item) -> Entry | None:
        return next((each for each in self.entries if self.same(each.item, item)), None)


BROKEN_KEEPERS: dict[str, type[Keeper]] = {
    "kept_outputs/gets-the-items-own-result": _KnowsShapes,
    "kept_outputs/answers-only-what-was-put": _NeverForgets,
    "kept_outputs/held-within-its-bound": _MakesNoRoom,
    "kept_outputs/a-result-pins-no-batch": _KeepsSlices,
    "kept_outputs/results-outlive-their-entries": _TakesBack,
    "kept_outputs/results-can-be-written": _LendsItsOwn,
    "kept_outputs/keeps-what-fits": _KeepsNothing,
    "kept_outputs/least-recently-used-goes-first": _FirstInFirstOut,
}
"""By law: a cache that does the one thing wrongly that the law is about."""
