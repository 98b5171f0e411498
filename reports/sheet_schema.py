"""The part of schema 1 that tells of ranks and of starts: sheets that a verdict shows of its case, told by `kind`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

MOST = 10**12
"""The largest whole number of a sheet: a bar of more has no length."""


def _needs_counts(name: str, values: Iterable[int]) -> None:
    for value in values:
        if not 0 <= value <= MOST:
            raise ValueError(f"{name} must be from 0 to {MOST:,}, got {value}")


def _needs_items(name: str, items: Iterable[tuple[int, ...]]) -> None:
    for item in items:
        if len(item) != 3:
            raise ValueError(f"{name}: triples [index, input rows, output tokens], got {list(item)}")
        _needs_counts(name, item)


@dataclass(frozen=True, kw_only=True)
class RankShare:
    """What one rank did with a batch: items as `[index, input rows, output tokens]`, and what it raised.

    `load` is in input rows, `padding` in output rows: what it has less than the rank that has most.
    """

    rank: int
    items: tuple[tuple[int, ...], ...]
    load: int
    padding: int
    error: str | None = None
    strangers: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _needs_counts("rank, load, padding and strangers", (self.rank, self.load, self.padding, self.strangers))
        _needs_items("items", self.items)

    @property
    def tokens(self) -> int:
        """Output rows of its items."""
        return sum(item[2] for item in self.items)


@dataclass(frozen=True, kw_only=True)
class SharedBatch:
    """One batch over ranks; `best` is the least possible greatest load, `bound` how many times it a load may be."""

    number: int
    bound: float
    ranks: tuple[RankShare, ...]
    best: int | None = None
    nowhere: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _needs_counts("number and best", (self.number, self.best or 0))
        _needs_items("nowhere", self.nowhere)
        if not (math.isfinite(self.bound) and 1 <= self.bound <= MOST):
            raise ValueError(f"bound must be from 1 to {MOST:,}, got {self.bound}")


@dataclass(frozen=True, kw_only=True)
class RanksSheet:
    """Batches over ranks, in the order in which they were encoded."""

    KIND: ClassVar[str] = "ranks"
    batches: tuple[SharedBatch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MeasuredStart:
    """One start of an engine in seconds, as it said of itself: any number."""

    seconds: float
    init: float
    language_model: float
    encoder: float
    compiles: int
    loads: int


@dataclass(frozen=True, kw_only=True)
class StartPhase:
    """The starts of one phase."""

    phase: Literal["cold", "warm"]
    starts: tuple[MeasuredStart, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StartupSheet:
    """Cold and warm starts side by side."""

    KIND: ClassVar[str] = "startup"
    phases: tuple[StartPhase, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a phase that has two meanings."""
        names = [each.phase for each in self.phases]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"phases: {twice[0]!r} stands there {names.count(twice[0])} times, each phase stands once")


Sheet: TypeAlias = RanksSheet | StartupSheet
