"""The least makespan against every assignment there is, and the bound of greedy."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.oracles.makespan import EXACT_ITEMS, greedy_bound, least_makespan


def _by_all(sizes: list[int], ranks: int) -> int:
    return min(
        max(sum(size for size, at in zip(sizes, places, strict=True) if at == rank) for rank in range(ranks))
        for places in product(range(ranks), repeat=len(sizes))
    )


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 3))
def test_no_assignment_is_better_and_one_is_as_good(sizes: list[int], ranks: int) -> None:
    """Every assignment is tried."""
    assert least_makespan(sizes, ranks) == _by_all(sizes, ranks)


def test_known_answers() -> None:
    """No item, one item, and the textbook case in which greedy needs 11 where 9 is enough."""
    assert least_makespan([], 3) == 0
    assert least_makespan([7], 8) == 7
    assert least_makespan([5, 5, 4, 4, 3, 3, 3], 3) == 9


def test_the_bound_of_greedy() -> None:
    """Exact fractions: none for one rank, 7/6 for two, 11/9 for three, of which the textbook case takes all."""
    assert [greedy_bound(ranks) for ranks in (1, 2, 3)] == [1, Fraction(7, 6), Fraction(11, 9)]
    assert greedy_bound(3) * 9 == 11


def test_too_many_items_are_refused() -> None:
    """With the limit."""
    with pytest.raises(ValueError, match=f"at most {EXACT_ITEMS}$"):
        least_makespan([1] * (EXACT_ITEMS + 1), 2)
