"""Compile ranges: which sizes share one compiled form of a piece (SPEC C1)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

FAR = 1 << 20
"""Stands for the far end of an open range where a border is tried out."""


class SizeOutsideRanges(ValueError):
    """A size that no compile range covers: the text names the size, the ranges and the remedy."""


@dataclass(frozen=True)
class CompileRange:
    """The sizes from `start` to `end`, both included; without `end`, all sizes from `start` up."""

    start: int
    end: int | None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end < self.start):
            raise ValueError(f"{self} holds no size: a range begins at 0 or later and ends at or after its start.")

    def __str__(self) -> str:
        return f"[{self.start}, {'open' if self.end is None else self.end}]"

    def __contains__(self, size: int) -> bool:
        return self.start <= size and (self.end is None or size <= self.end)

    @property
    def is_single_size(self) -> bool:
        """Whether one size only is in it. Its compiled form is still for a symbolic size."""
        return self.start == self.end

    @property
    def borders(self) -> tuple[int, ...]:
        """First, second, last but one and last size, ascending: a baked size cannot suit them all (BUG-C17)."""
        end = max(FAR, 2 * self.start) if self.end is None else self.end
        return tuple(sorted({size for size in (self.start, self.start + 1, end - 1, end) if size in self}))


EVERY_SIZE = CompileRange(0, None)
"""The range of a piece without any symbolic size."""


def ranges_of(endpoints: Sequence[int], *, is_encoder: bool) -> tuple[CompileRange, ...]:
    """Ranges that end at the given sizes, ascending, without gaps, from 0.

    An encoder gets an open last range, because image sizes are unpredictable. A language model's last range ends at
    the last endpoint; without endpoints it is open too.
    """
    starts = [0, *(end + 1 for end in endpoints)]
    bounded = [CompileRange(start, end) for start, end in zip(starts, endpoints, strict=False)]
    return (*bounded, CompileRange(starts[-1], None)) if is_encoder or not endpoints else tuple(bounded)


class Ranges:
    """Finds the range of a size. Ranges are numbered by their slot, from 0."""

    def __init__(self, ranges: Sequence[CompileRange]) -> None:
        self.all = tuple(ranges)
        self._ends = [each.end for each in self.all if each.end is not None]

    def __str__(self) -> str:
        return ", ".join(map(str, self.all))

    def slot(self, size: int) -> int:
        """The number of the range that holds a size.

        Raises:
            SizeOutsideRanges: no range does.
        """
        slot = bisect_left(self._ends, size)
        if slot >= len(self.all) or size < 0:
            raise SizeOutsideRanges(
                f"size {size} is in none of the compile ranges {self}: "
                f"add an endpoint of at least {size} to compile_ranges_endpoints, or give smaller inputs."
            )
        return slot

    def range_for(self, size: int) -> CompileRange:
        """The range that holds a size; raises as `slot` does."""
        return self.all[self.slot(size)]
