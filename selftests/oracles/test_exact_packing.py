"""The exact optimum against cases worked out by hand, and against a second, slower way to find it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.contract.subject import Bounds, Launch
from suite.oracles.packing import EXACT_ITEMS, Load, cost, fits, optimum, smallest_budget

LADDER = Bounds((4, 16), max_items=3, max_frames=None)


def _loads(*tokens: int) -> list[Load]:
    return [Load(each, 1) for each in tokens]


@pytest.mark.parametrize(
    ("tokens", "overhead", "best"),
    [
        ((), 0, 0),
        ((3,), 0, 4),
        ((5,), 0, 16),
        ((3, 3), 0, 8),  # two small graphs beat one large
        ((3, 3), 20, 36),  # ... unless a launch is dear: one of 16 + 20
        ((1, 1, 1), 0, 4),
        ((1, 1, 1, 1), 0, 8),  # the fourth item is over the limit on items
        ((16, 16), 0, 32),
        ((17,), 0, 0),  # eager costs every plan the same: nothing
        ((17, 3), 5, 9),
        ((2, 2, 3, 3), 0, 12),  # [2, 2] [3] [3], which filling in ascending order misses
        ((1, 2, 2, 3), 0, 8),  # [1, 3] [2, 2]
    ],
)
def test_the_optimum_by_hand(tokens: tuple[int, ...], overhead: int, best: int) -> None:
    """The least cost of small batches on budgets 4 and 16 with at most three items."""
    assert optimum(_loads(*tokens), LADDER, overhead) == best


def test_frames_limit_a_launch() -> None:
    """Two clips of two frames do not share a launch of three frames; one of four never fits."""
    bounds = Bounds((8,), max_items=4, max_frames=3)
    assert optimum([Load(2, 2), Load(2, 2)], bounds, 0) == 16
    assert optimum([Load(2, 2), Load(2, 1)], bounds, 0) == 8
    assert optimum([Load(2, 4)], bounds, 0) == 0
    assert smallest_budget([Load(2, 4)], bounds) is None


@pytest.mark.parametrize(
    ("tokens", "budget", "expected"),
    [((4,), 4, True), ((5,), 4, False), ((2, 2), 4, True), ((1, 1, 1, 1), 4, False), ((), 4, True)],
)
def test_what_fits_a_launch(tokens: tuple[int, ...], budget: int, *, expected: bool) -> None:
    """Tokens up to the budget itself, items up to the limit itself."""
    assert fits(_loads(*tokens), LADDER, budget) is expected


def test_the_smallest_budget_that_holds() -> None:
    """At the budget, one above it, above all, and on a ladder that is not sorted."""
    bounds = Bounds((16, 4), 3, None)
    assert [smallest_budget(_loads(tokens), bounds) for tokens in (1, 4, 5, 16, 17)] == [4, 4, 16, 16, None]


def test_the_cost_of_a_plan() -> None:
    """Budgets and overhead of the replays; eager launches are left out."""
    assert cost([Launch((0,), 4), Launch((1, 2), 16), Launch((3,), None)], overhead=5) == 4 + 16 + 2 * 5
    assert cost([], overhead=5) == 0


def test_too_many_items_are_refused() -> None:
    """The exact optimum takes 3^n steps; items that run in eager do not count."""
    assert optimum(_loads(*[1] * EXACT_ITEMS, 99), LADDER, 0) == 12
    with pytest.raises(ValueError, match="10 items: the exact optimum is computed for at most 9"):
        optimum(_loads(*[1] * (EXACT_ITEMS + 1)), LADDER, 0)


def _partitions(items: Sequence[Load]) -> Iterator[list[list[Load]]]:
    """Every partition, made by putting each item into every group or into one of its own."""
    if not items:
        yield []
        return
    first, *others = items
    for groups in _partitions(others):
        yield [[first], *groups]
        for number, group in enumerate(groups):
            yield [*groups[:number], [first, *group], *groups[number + 1 :]]


BOUNDS = st.builds(
    Bounds,
    st.sets(st.integers(1, 12), min_size=1, max_size=3).map(lambda found: tuple(sorted(found))),
    st.integers(1, 4),
    st.none() | st.integers(1, 5),
)


@given(st.lists(st.builds(Load, st.integers(1, 12), st.integers(1, 3)), max_size=6), BOUNDS, st.integers(0, 8))
@settings(max_examples=60)
def test_the_optimum_by_trying_everything(loads: list[Load], bounds: Bounds, overhead: int) -> None:
    """Equal to the cheapest of all partitions, enumerated one by one."""
    graphed = [load for load in loads if smallest_budget([load], bounds) is not None]
    costs = []
    for groups in _partitions(graphed):
        budgets = [smallest_budget(group, bounds) for group in groups]
        if None not in budgets:
            costs.append(sum(budget + overhead for budget in budgets if budget is not None))
    assert optimum(loads, bounds, overhead) == min(costs)
