"""The allocator's rules, with invented addresses."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.emulator.allocator import ALIGNMENT, Allocator, Block, aligned


def one_segment(size: int = 64 * 100) -> Allocator:
    """An allocator with one segment from address 6400."""
    allocator = Allocator()
    allocator.add_segment(6400, size=size)
    return allocator


def test_a_freed_block_is_reused_at_once() -> None:
    """The next request that fits gets the block that died last, not untouched memory."""
    allocator = one_segment()
    first = allocator.take(100)
    allocator.take(100)
    assert first is not None
    allocator.give_back(first.start)
    assert allocator.take(128) == first


def test_the_smallest_gap_that_fits_is_taken() -> None:
    """Best fit: a small request does not split a large gap while a small one is there."""
    allocator = one_segment()
    blocks = [allocator.take(size) for size in (256, 64, 64, 64)]
    large, _, small, _ = (block for block in blocks if block is not None)
    allocator.give_back(large.start)
    allocator.give_back(small.start)
    assert allocator.take(1) == Block(small.start, ALIGNMENT)


def test_of_equal_gaps_the_lowest_is_taken() -> None:
    """Ties go to the lowest address, so that a run can be repeated exactly."""
    allocator = one_segment()
    blocks = [block for block in (allocator.take(64) for _ in range(5)) if block is not None]
    allocator.give_back(blocks[3].start)
    allocator.give_back(blocks[1].start)
    assert allocator.take(64) == blocks[1]


def test_segments_that_touch_are_not_merged() -> None:
    """A block never lies across two segments, even where their addresses are neighbours."""
    allocator = one_segment(size=64)
    allocator.add_segment(6464, size=64)
    first, second = allocator.take(64), allocator.take(64)
    assert first is not None
    assert second is not None
    allocator.give_back(first.start)
    allocator.give_back(second.start)
    assert allocator.take(128) is None
    assert allocator.free == (Block(6400, 64), Block(6464, 64))


def test_a_segment_in_use_cannot_be_dropped() -> None:
    """Only idle segments go."""
    allocator = one_segment()
    block = allocator.take(64)
    assert block is not None
    with pytest.raises(ValueError, match="segment at 6400 is unknown or in use"):
        allocator.drop_segment(6400)
    allocator.give_back(block.start)
    assert allocator.idle_segments() == (6400,)
    allocator.drop_segment(6400)
    assert allocator.take(64) is None


@pytest.mark.parametrize(
    ("start", "size", "message"),
    [(10, 64, "must start and end"), (64, 0, "must start and end"), (6464, 64, "overlaps segment")],
)
def test_bad_segments_are_refused(start: int, size: int, message: str) -> None:
    """The message shows the segment and what is wrong with it."""
    with pytest.raises(ValueError, match=message):
        one_segment().add_segment(start, size=size)


def test_a_block_cannot_be_freed_twice() -> None:
    """The message shows what is in use."""
    allocator = one_segment()
    with pytest.raises(KeyError, match="no block in use starts at 6400"):
        allocator.give_back(6400)


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(st.one_of(st.integers(0, 700), st.integers(-9, -1)), max_size=40))
def test_blocks_never_overlap_and_nothing_is_lost(steps: list[int]) -> None:
    """Over any history of requests and frees, blocks and gaps tile the segments exactly."""
    allocator = one_segment(size=64 * 40)
    allocator.add_segment(64_000, size=64 * 10)
    for step in steps:
        taken = allocator.taken
        if step >= 0:
            block = allocator.take(step)
            assert block is None or block.size == aligned(step) >= max(step, 1)
        elif taken:
            allocator.give_back(taken[step % len(taken)].start)
        pieces = sorted((*allocator.taken, *allocator.free))
        assert sum(piece.size for piece in pieces) == 64 * 50
        assert all(left.end <= right.start for left, right in pairwise(pieces))
        assert all(piece.start % ALIGNMENT == 0 for piece in pieces)
