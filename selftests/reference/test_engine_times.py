"""Compile seconds over ranks: maxima by counter, and the slowest rank beside them (SPEC T5, T6, BUG-T01)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.engine.times import NOTHING, BadTimes, CompilationTimes, RankTimes, gathered_times

SECONDS = st.floats(0, 1e6)
PAIRS = st.lists(st.builds(CompilationTimes, SECONDS, SECONDS), min_size=1, max_size=8)


@given(PAIRS)
def test_the_maxima_are_taken_by_counter(pairs: list[CompilationTimes]) -> None:
    """Each number is some rank's, and no rank's is larger."""
    maxima = gathered_times(pairs).maxima
    for field, value in maxima._asdict().items():
        values = [getattr(pair, field) for pair in pairs]
        assert value in values
        assert all(value >= each for each in values)


@given(PAIRS)
def test_the_slowest_rank_is_one_rank(pairs: list[CompilationTimes]) -> None:
    """Its total is a rank's own, the largest, and never above the sum of the maxima."""
    times = gathered_times(pairs)
    assert times.slowest_rank is not None
    assert times.slowest == pairs[times.slowest_rank]
    assert times.slowest.total == max(pair.total for pair in pairs)
    assert times.slowest.total <= times.maxima.total
    if times.maxima_are_of_one_rank:
        assert times.slowest.total == times.maxima.total


def test_two_ranks_with_a_maximum_each() -> None:
    """The sum of the maxima is nobody's time."""
    times = RankTimes((CompilationTimes(9.0, 1.0), CompilationTimes(2.0, 7.0)))
    assert times.maxima == (9.0, 7.0)
    assert not times.maxima_are_of_one_rank
    assert (times.slowest_rank, times.slowest.total) == (0, 10.0)


def test_no_ranks_have_no_times() -> None:
    """Zeros, and no slowest rank."""
    times = gathered_times([])
    assert (times.maxima, times.slowest, times.slowest_rank) == (NOTHING, NOTHING, None)


@pytest.mark.parametrize(
    "said", [None, 3.0, (1.0,), (1.0, 2.0, 3.0), ("1", 2.0), (True, 1.0), (-1.0, 0.0), (math.nan, 0.0), (0.0, math.inf)]
)
def test_what_is_no_pair_of_seconds_is_refused(said: object) -> None:
    """The rank and what it said are named."""
    with pytest.raises(BadTimes) as refusal:
        gathered_times([NOTHING, said])
    assert refusal.value.rank == 1
    assert str(refusal.value).startswith(f"rank 1 reported {said!r} as its compile seconds: ")


def test_the_fields_are_not_mixed_up() -> None:
    """The language model comes first (BUG-T03)."""
    assert CompilationTimes._fields == ("language_model", "encoder")
    assert CompilationTimes(language_model=1.0, encoder=2.0) == (1.0, 2.0)
