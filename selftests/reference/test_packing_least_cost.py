"""What `least_cost` promises: against all plans for few items, planted plans for many (SPEC G4)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.encoder_graph.least_cost import EXACT_ITEMS, HAND
from reference.encoder_graph.least_cost_runs import cheapest_runs
from reference.encoder_graph.packing import Bin, LeastCost, Limits, Load, packer, plan_cost
from selftests.reference.packing_inputs import least_possible_cost, limits, loads, sized

OVERHEADS = st.sampled_from([0, 1, 64, 5000])


@given(data=st.data(), overhead=OVERHEADS)
@settings(deadline=None, max_examples=300)
def test_few_items_are_packed_at_the_least_cost(data: st.DataObject, overhead: int) -> None:
    """cost(plan) = min over all plans, for every ladder, item limit, frame limit and overhead."""
    allowed = data.draw(limits())
    items = data.draw(loads(allowed, most=6))
    rule = LeastCost(overhead=overhead)
    assert rule.promised_ratio(items, allowed) == 1.0
    cost = plan_cost(rule.pack(items, allowed), overhead=overhead)
    assert cost == least_possible_cost(items, allowed, overhead=overhead)


@given(data=st.data(), overhead=OVERHEADS)
@settings(deadline=None, max_examples=20)
def test_eight_items_are_packed_at_the_least_cost(data: st.DataObject, overhead: int) -> None:
    """The same with more items, so that bins, ties and swaps of several items meet."""
    allowed = data.draw(limits())
    items = data.draw(loads(allowed, least=8, most=8))
    cost = plan_cost(LeastCost(overhead=overhead).pack(items, allowed), overhead=overhead)
    assert cost == least_possible_cost(items, allowed, overhead=overhead)


@given(data=st.data(), overhead=OVERHEADS)
@settings(deadline=None, max_examples=150)
def test_never_dearer_than_a_simple_rule(data: st.DataObject, overhead: int) -> None:
    """cost(least_cost) <= cost(greedy), cost(deferral) and cost(each item alone)."""
    allowed = data.draw(limits())
    items = data.draw(loads(allowed, most=40))
    cost = plan_cost(LeastCost(overhead=overhead).pack(items, allowed), overhead=overhead)
    alone = Limits(allowed.budgets, 1, allowed.max_frames)
    assert cost <= plan_cost(packer("greedy").pack(items, alone), overhead=overhead)
    for name in ("greedy", "deferral"):
        assert cost <= plan_cost(packer(name).pack(items, allowed), overhead=overhead)


@st.composite
def planted(draw: st.DrawFn) -> tuple[list[Load], Limits, list[Bin]]:
    """More items than are packed exactly, limits, and a plan for them that fills its bins well."""
    allowed = draw(limits())
    chance = draw(st.randoms(use_true_random=False))
    items: list[Load] = []
    bins: list[Bin] = []
    for budget in draw(st.lists(st.sampled_from(allowed.budgets), min_size=3, max_size=30)):
        count = min(draw(st.integers(1, allowed.max_items)), budget, allowed.max_frames or budget)
        cuts = sorted(chance.sample(range(1, budget), count - 1))
        sizes = [end - start for start, end in zip([0, *cuts], [*cuts, budget], strict=True)]
        bins.append(Bin(tuple(range(len(items), len(items) + count)), budget))
        items += sized(*sizes)
    return items, allowed, bins


@given(case=planted(), overhead=OVERHEADS)
@settings(deadline=None, max_examples=150)
def test_the_promise_holds_for_many_items(case: tuple[list[Load], Limits, list[Bin]], overhead: int) -> None:
    """cost(plan) <= promised ratio * cost(any plan): here the planted one, which wastes nothing."""
    items, allowed, bins = case
    rule = LeastCost(overhead=overhead)
    promise = rule.promised_ratio(items, allowed)
    assert promise is not None
    assert plan_cost(rule.pack(items, allowed), overhead=overhead) <= promise * plan_cost(bins, overhead=overhead)


@given(case=planted(), overhead=OVERHEADS)
@settings(deadline=None, max_examples=150)
def test_runs_alone_keep_the_proven_ratio(case: tuple[list[Load], Limits, list[Bin]], overhead: int) -> None:
    """The proof's claim: cost(runs) <= 3 * cost(any plan), and 2 * where the item limit cannot bind."""
    items, allowed, bins = case
    ascending = sorted(items, key=lambda item: item.tokens)
    for ratio, most in ((3, allowed.max_items), (2, len(items))):
        free = Limits(allowed.budgets, most)
        cost = 0
        for run in cheapest_runs(ascending, free, overhead=overhead):
            budget = free.budget_for(sum(ascending[place].tokens for place in run))
            assert budget is not None
            cost += budget + overhead
        assert cost <= ratio * plan_cost(bins, overhead=overhead)


def test_the_promise_by_case() -> None:
    """1 for few items; 2 or 3 by whether the item limit can bind; the item limit where frames can."""
    promise = LeastCost().promised_ratio
    few, many = sized(*range(1, EXACT_ITEMS + 1)), sized(*range(1, EXACT_ITEMS + 2))
    assert promise(few, Limits((64,), 8)) == 1.0
    assert promise([*few, Load(65)], Limits((64,), 8)) == 1.0
    assert promise(many, Limits((64,), 8)) == 3.0
    assert promise(many, Limits((64,), 2)) == 2.0
    assert promise(many, Limits((64,), 64)) == 2.0
    assert promise(many, Limits((64,), 8, max_frames=8)) == 3.0
    assert promise(many, Limits((64,), 8, max_frames=7)) == 8.0
    assert packer("greedy").promised_ratio(few, Limits((64,), 8)) is None


def test_bins_of_more_items_than_are_searched() -> None:
    """A bin of many small items is left as it is, and the rest is still planned."""
    items = sized(*[1] * 60, *[500] * 3)
    plan = LeastCost(overhead=64).pack(items, Limits((64, 512, 1024), 64))
    assert max(len(bin_.items) for bin_ in plan) > HAND
    # 12 small items fit beside 500 tokens, 24 beside twice 500: any plan needs a third replay for the others.
    assert plan_cost(plan, overhead=64) == 1024 + 512 + 64 + 3 * 64


def test_hundreds_of_items_of_any_size_end_soon() -> None:
    """No input makes the search walk off: dense ladders, no overhead, wide bins."""
    chance = random.Random(1)
    ladder = tuple(sorted(chance.sample(range(64, 4097), 20)))
    items = [Load(chance.randint(1, 1000), frames=chance.randint(1, 4)) for _ in range(300)]
    for most, frames in ((8, None), (64, None), (8, 10)):
        allowed = Limits(ladder, most, frames)
        plan = LeastCost(overhead=0).pack(items, allowed)
        assert sum(len(bin_.items) for bin_ in plan) == len(items)


def test_a_negative_overhead_is_refused() -> None:
    """The value is in the message."""
    with pytest.raises(ValueError, match="overhead=-1"):
        LeastCost(overhead=-1)
