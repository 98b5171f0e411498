"""Which sizes share a compiled form."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.compilation.ranges import FAR, CompileRange, Ranges, SizeOutsideRanges, ranges_of

ENDPOINTS = st.sets(st.integers(0, 100), max_size=5).map(lambda some: tuple(sorted(some)))


@pytest.mark.parametrize(
    ("endpoints", "is_encoder", "expected"),
    [
        ((8, 64), True, "[0, 8], [9, 64], [65, open]"),
        ((8, 64), False, "[0, 8], [9, 64]"),
        ((), True, "[0, open]"),
        ((), False, "[0, open]"),
        ((0, 1), True, "[0, 0], [1, 1], [2, open]"),
    ],
)
def test_ranges_end_at_the_endpoints(endpoints: tuple[int, ...], is_encoder: bool, expected: str) -> None:
    """The last one is open for an encoder, and where there is no endpoint."""
    assert str(Ranges(ranges_of(endpoints, is_encoder=is_encoder))) == expected


@given(ENDPOINTS, st.booleans(), st.integers(0, 120))
def test_each_size_is_in_exactly_its_range(endpoints: tuple[int, ...], is_encoder: bool, size: int) -> None:
    """No gap, no overlap; outside is only what lies above a bounded last range."""
    ranges = Ranges(ranges_of(endpoints, is_encoder=is_encoder))
    holding = [each for each in ranges.all if size in each]
    if not is_encoder and endpoints and size > endpoints[-1]:
        assert holding == []
        with pytest.raises(SizeOutsideRanges):
            ranges.range_for(size)
    else:
        assert holding == [ranges.range_for(size)] == [ranges.all[ranges.slot(size)]]


def test_a_size_outside_is_named_with_the_remedy() -> None:
    """Size, ranges, what to do."""
    ranges = Ranges(ranges_of((8, 64), is_encoder=False))
    text = (
        "size 65 is in none of the compile ranges [0, 8], [9, 64]: "
        "add an endpoint of at least 65 to compile_ranges_endpoints, or give smaller inputs."
    )
    with pytest.raises(SizeOutsideRanges, match=re.escape(text)):
        ranges.slot(65)
    with pytest.raises(SizeOutsideRanges, match="size -1"):
        ranges.slot(-1)


@pytest.mark.parametrize(
    ("start", "end", "borders"),
    [(9, 64, (9, 10, 63, 64)), (3, 4, (3, 4)), (5, 5, (5,)), (0, None, (0, 1, FAR - 1, FAR)), (0, 2, (0, 1, 2))],
)
def test_borders(start: int, end: int | None, borders: tuple[int, ...]) -> None:
    """First, second, last but one, last."""
    assert CompileRange(start, end).borders == borders
    assert CompileRange(start, end).is_single_size == (start == end)


def test_an_empty_range_is_refused() -> None:
    """It would be compiled for nothing."""
    with pytest.raises(ValueError, match=re.escape("[4, 3] holds no size")):
        CompileRange(4, 3)
