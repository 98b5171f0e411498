"""Which rank encodes which items, and what follows from it (SPEC G8). Plain integers, no tensor and no group."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol


class ShardingError(RuntimeError):
    """A batch could not be shared out over the ranks; every rank says so, and the next batch may go on."""


class LostItem(ShardingError):
    """An item, or rows of one, on no rank or on two: one part of the sharding is wrong, never the caller."""


@dataclass(frozen=True)
class Assignment:
    """Indices of items by rank, each rank's in the caller's order; a rank may have none."""

    items: tuple[tuple[int, ...], ...]

    def loads(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Sum of the sizes of each rank's items."""
        return tuple(sum(sizes[index] for index in own) for own in self.items)


class LoadBalancer(Protocol):
    """A rule that shares items out over ranks."""

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        """Every item on exactly one rank. Equal arguments give equal answers on every rank."""
        ...


class LargestFirst:
    """The largest item first, each onto the least loaded rank (SPEC G8).

    Equal sizes go in the caller's order, equal loads to the lowest rank. The greatest load is at most
    4/3 - 1/(3 ranks) times that of the best assignment (Graham 1969).
    """

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        """Every item on exactly one rank.

        Raises:
            ValueError: no rank, or a size below zero.
        """
        if ranks < 1:
            raise ValueError(f"ranks={ranks}: items need at least 1 rank")
        if any(size < 0 for size in sizes):
            raise ValueError(f"sizes={list(sizes)}: a size is a number of input rows, from 0 up")
        ordered = sorted(range(len(sizes)), key=lambda index: -sizes[index])
        loads = [(0, rank) for rank in range(ranks)]
        chosen: list[list[int]] = [[] for _ in range(ranks)]
        for index in ordered:
            load, rank = loads[0]
            chosen[rank].append(index)
            heapq.heapreplace(loads, (load + sizes[index], rank))
        return Assignment(tuple(tuple(sorted(own)) for own in chosen))


@dataclass(frozen=True)
class ShardPlan:
    """One batch shared out: the assignment, and input rows and output tokens of every item.

    Raises:
        LostItem: an item is on no rank, on two, or does not exist; it is named.
    """

    assignment: Assignment
    sizes: tuple[int, ...]
    """Input rows by item: what is balanced."""
    tokens: tuple[int, ...]
    """Output tokens by item: what is gathered."""

    def __post_init__(self) -> None:
        _require_each_once(self.assignment, items=len(self.sizes))

    @property
    def loads(self) -> tuple[int, ...]:
        """Input rows by rank."""
        return self.assignment.loads(self.sizes)

    @property
    def rows(self) -> tuple[int, ...]:
        """Output rows by rank, before padding."""
        return self.assignment.loads(self.tokens)

    @property
    def padded_rows(self) -> int:
        """Rows that every rank hands to the gather: the most that one has, at least 1.

        Libraries differ in what they make of empty tensors, so an empty batch gathers one row of padding.
        """
        return max(1, *self.rows)

    @property
    def padding_rows(self) -> int:
        """Rows gathered that are nobody's output, over all ranks."""
        return self.padded_rows * len(self.rows) - sum(self.rows)

    def tokens_of(self, rank: int) -> list[int]:
        """Output tokens of the rank's items, in the order of its items."""
        return [self.tokens[index] for index in self.assignment.items[rank]]

    @cached_property
    def batch_digest(self) -> int:
        """56 bits that tell batches of other sizes apart; pixels are not looked at."""
        return _digest((self.sizes, self.tokens))

    @cached_property
    def plan_digest(self) -> int:
        """56 bits that tell other assignments apart."""
        return _digest(self.assignment.items)


def ranks_named(ranks: Iterable[int]) -> str:
    """Ranks for a sentence: `rank 2`, `ranks 0, 2`."""
    listed = list(ranks)
    return f"{'rank' if len(listed) == 1 else 'ranks'} {', '.join(map(str, listed))}"


def _require_each_once(assignment: Assignment, *, items: int) -> None:
    found = Counter(index for own in assignment.items for index in own)
    wrong = [
        *(f"item {index} is on no rank" for index in range(items) if index not in found),
        *(
            f"item {index} is assigned {times} times, to {ranks_named(_holders(assignment, index))}"
            for index, times in sorted(found.items())
            if times > 1
        ),
        *(f"item {index} does not exist" for index in sorted(found) if not 0 <= index < items),
    ]
    if wrong:
        raise LostItem(f"{'; '.join(wrong)}: a load balancer must put each of the {items} items on exactly one rank.")


def _holders(assignment: Assignment, index: int) -> list[int]:
    return [rank for rank, own in enumerate(assignment.items) if index in own]


def _digest(value: Hashable) -> int:
    """A number that is the same in every process, unlike `hash`; it fits a signed 64-bit integer."""
    return int.from_bytes(hashlib.sha256(repr(value).encode()).digest()[:7], "big")
