"""Where a block of a pool goes: integers only, no torch, so that the rules can be tested with invented numbers.

The allocator is as mean as an allocator may be: a freed block is reused at once, best fit first and lowest
address first, so that memory which outlives its owner is overwritten as early as possible (rule R3).
"""

from __future__ import annotations

import bisect
from typing import NamedTuple

ALIGNMENT = 64


class Block(NamedTuple):
    """A piece of a pool: address of its first byte and its size, both in bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """Address of the first byte after the block."""
        return self.start + self.size


def aligned(size: int) -> int:
    """The bytes that a request of `size` bytes takes: rounded up to 64, and never nothing."""
    return max(ALIGNMENT, -(-size // ALIGNMENT) * ALIGNMENT)


class Allocator:
    """Blocks in segments. Segments are given; when none has room, `take` returns None."""

    def __init__(self) -> None:
        self._free: dict[int, int] = {}
        self._taken: dict[int, int] = {}
        self._segments: dict[int, int] = {}
        self._starts: list[int] = []
        """Of the segments, in order."""

    @property
    def taken(self) -> tuple[Block, ...]:
        """The blocks in use, by address."""
        return tuple(sorted(Block(start, size) for start, size in self._taken.items()))

    @property
    def free(self) -> tuple[Block, ...]:
        """The gaps, by address; neighbours within a segment are one gap."""
        return tuple(sorted(Block(start, size) for start, size in self._free.items()))

    def add_segment(self, start: int, *, size: int) -> None:
        """Offer `size` bytes from address `start`.

        Raises:
            ValueError: start or size is not a multiple of 64, or the segment overlaps another.
        """
        if start % ALIGNMENT or size % ALIGNMENT or size <= 0:
            raise ValueError(f"segment ({start}, {size}) must start and end on multiples of {ALIGNMENT} bytes")
        for other, length in self._segments.items():
            if start < other + length and other < start + size:
                raise ValueError(f"segment ({start}, {size}) overlaps segment ({other}, {length})")
        self._segments[start] = size
        bisect.insort(self._starts, start)
        self._free[start] = size

    def drop_segment(self, start: int) -> None:
        """Take back a segment in which no block is in use.

        Raises:
            ValueError: there is no such segment, or a block of it is in use.
        """
        if self._free.get(start) != self._segments.get(start, -1):
            raise ValueError(f"segment at {start} is unknown or in use; segments: {sorted(self._segments)}")
        del self._segments[start], self._free[start]
        self._starts.remove(start)

    def idle_segments(self) -> tuple[int, ...]:
        """Start addresses of the segments in which no block is in use."""
        return tuple(start for start, size in self._segments.items() if self._free.get(start) == size)

    def take(self, size: int) -> Block | None:
        """A block of at least `size` bytes: the smallest gap that fits, the lowest of equals; None when full."""
        need = aligned(size)
        fitting = [(gap, start) for start, gap in self._free.items() if gap >= need]
        if not fitting:
            return None
        gap, start = min(fitting)
        del self._free[start]
        if gap > need:
            self._free[start + need] = gap - need
        self._taken[start] = need
        return Block(start, need)

    def give_back(self, start: int) -> None:
        """Free the block at `start`; it is merged with the gaps around it in the same segment.

        Raises:
            KeyError: no block in use starts there.
        """
        if start not in self._taken:
            raise KeyError(f"no block in use starts at {start}; in use: {sorted(self._taken)}")
        size = self._taken.pop(start)
        end = start + size
        if end in self._free and end not in self._segments:
            size += self._free.pop(end)
        if start not in self._segments:
            before = next((at for at, gap in self._free.items() if at + gap == start), None)
            if before is not None:
                size += self._free.pop(before)
                start = before
        self._free[start] = size

    def segment_of(self, address: int) -> int:
        """Start address of the segment that holds an address."""
        return self._starts[bisect.bisect_right(self._starts, address) - 1]
