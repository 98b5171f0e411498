"""Compile seconds of one worker, and of several that compile side by side (SPEC T5, T6, BUG-T01, BUG-T03)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class CompilationTimes(NamedTuple):
    """Seconds that one worker spent on compiling, by what was compiled (SPEC T5)."""

    language_model: float
    encoder: float

    @property
    def total(self) -> float:
        """Both together; a wall time only if both are of one worker."""
        return self.language_model + self.encoder


NOTHING = CompilationTimes(0.0, 0.0)


class BadTimes(ValueError):
    """A worker said something that is no pair of seconds: the text names its rank and what it said."""

    def __init__(self, rank: int, said: object) -> None:
        self.rank = rank
        super().__init__(
            f"rank {rank} reported {said!r} as its compile seconds: compile_or_warm_up_model() returns "
            "CompilationTimes(language_model, encoder), two finite numbers of at least 0."
        )


@dataclass(frozen=True)
class RankTimes:
    """What every rank reported, in the order of ranks.

    Two views that must not be taken for each other: `maxima` is what SPEC T6 reports, and its two numbers may be of
    two ranks; `slowest` is what one rank really spent, and its total is a wall time.
    """

    by_rank: tuple[CompilationTimes, ...] = ()

    @property
    def maxima(self) -> CompilationTimes:
        """The largest value of each counter over all ranks; zeros without any rank."""
        if not self.by_rank:
            return NOTHING
        return CompilationTimes(
            max(each.language_model for each in self.by_rank), max(each.encoder for each in self.by_rank)
        )

    @property
    def slowest_rank(self) -> int | None:
        """The rank with the largest total, the lowest of equals; None without any rank."""
        return max(range(len(self.by_rank)), key=lambda rank: self.by_rank[rank].total, default=None)

    @property
    def slowest(self) -> CompilationTimes:
        """The pair of the slowest rank; zeros without any rank."""
        return NOTHING if self.slowest_rank is None else self.by_rank[self.slowest_rank]

    @property
    def maxima_are_of_one_rank(self) -> bool:
        """Whether the sum of the maxima is the seconds of some rank, and so a wall time."""
        return not self.by_rank or self.maxima in self.by_rank


def checked_times(rank: int, said: object) -> CompilationTimes:
    """What a worker returned from `compile_or_warm_up_model`, if it is a pair of seconds.

    Raises:
        BadTimes: it is not, or a number in it is negative, infinite or NaN.
    """
    pair = tuple(said) if isinstance(said, tuple) else ()
    if len(pair) != len(CompilationTimes._fields) or not all(_is_seconds(each) for each in pair):
        raise BadTimes(rank, said)
    return CompilationTimes(*map(float, pair))


def gathered_times(said: Sequence[object]) -> RankTimes:
    """What all ranks returned, in the order of ranks.

    Raises:
        BadTimes: some rank returned something else than a pair of seconds.
    """
    return RankTimes(tuple(checked_times(rank, each) for rank, each in enumerate(said)))


def _is_seconds(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0
