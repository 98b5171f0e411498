"""The least possible greatest load of items over ranks, found by trying, and the share above it that greedy may use."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import count

EXACT_ITEMS = 14
"""Above this many items the optimum is not computed: m^n assignments."""


def least_makespan(sizes: Sequence[int], ranks: int) -> int:
    """The greatest load of the best assignment of all sizes to so many ranks.

    Raises:
        ValueError: more than `EXACT_ITEMS` items.
    """
    if len(sizes) > EXACT_ITEMS:
        raise ValueError(f"{len(sizes)} items: the exact optimum is computed for at most {EXACT_ITEMS}")
    largest_first = tuple(sorted(sizes, reverse=True))
    least = max([-(-sum(sizes) // ranks), *sizes])
    return next(limit for limit in count(least) if _fits(largest_first, (limit,) * ranks))


def greedy_bound(ranks: int) -> Fraction:
    """Largest first stays within this times the optimum (Graham 1969, SPEC G8)."""
    return Fraction(4, 3) - Fraction(1, 3 * ranks)


@lru_cache(maxsize=1 << 16)
def _fits(sizes: tuple[int, ...], room: tuple[int, ...]) -> bool:
    """Whether each size finds a rank with room for it; ranks with equal room are one."""
    if not sizes:
        return True
    return any(
        _fits(sizes[1:], tuple(sorted((*room[:rank], left - sizes[0], *room[rank + 1 :]))))
        for left, rank in {left: rank for rank, left in enumerate(room) if left >= sizes[0]}.items()
    )
