"""What every packer of the reference keeps, and what each rule does on examples (SPEC G4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.encoder_graph.packing import Bin, Limits, Load, packer, plan_cost
from selftests.reference.packing_inputs import NAMES, limits, loads, sized


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_plan_is_valid(name: str, data: st.DataObject) -> None:
    """Every item once, every bin within the limits and in the smallest budget, eager only where forced."""
    allowed = data.draw(limits())
    items = data.draw(loads(allowed, most=40))
    bins = packer(name).pack(items, allowed)
    assert sorted(index for bin_ in bins for index in bin_.items) == list(range(len(items)))
    for bin_ in bins:
        tokens = sum(items[index].tokens for index in bin_.items)
        frames = sum(items[index].frames for index in bin_.items)
        if bin_.budget is None:
            assert len(bin_.items) == 1
            assert not allowed.hold(tokens=tokens, items=1, frames=frames)
        else:
            assert allowed.hold(tokens=tokens, items=len(bin_.items), frames=frames)
            assert bin_.budget == min(budget for budget in allowed.budgets if budget >= tokens)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_a_plan_is_deterministic(name: str, data: st.DataObject) -> None:
    """The same loads give the same plan, in this object and in a new one."""
    allowed = data.draw(limits())
    items = data.draw(loads(allowed, most=40))
    same = packer(name)
    assert same.pack(items, allowed) == same.pack(items, allowed) == packer(name).pack(items, allowed)


@pytest.mark.parametrize("name", NAMES)
def test_degenerate_inputs(name: str) -> None:
    """No items, only items that no graph holds, one budget, one item per replay."""
    pack = packer(name).pack
    assert pack([], Limits((64,), 8)) == []
    assert pack(sized(65, 99), Limits((64,), 8)) == [Bin((0,), None), Bin((1,), None)]
    assert pack([Load(4, frames=3)], Limits((64,), 8, max_frames=2)) == [Bin((0,), None)]
    assert pack(sized(32, 16, 16), Limits((64,), 8)) == [Bin((1, 2, 0), 64)]
    assert pack(sized(3, 1, 2), Limits((64,), 1)) == [Bin((1,), 64), Bin((2,), 64), Bin((0,), 64)]


def test_greedy_takes_the_smallest_first() -> None:
    """Ascending by tokens, ties in the caller's order; a bin closes when the next item does not fit."""
    plan = packer("greedy").pack(sized(90, 10, 50, 10, 200), Limits((32, 128), 3))
    assert plan == [Bin((1, 3, 2), 128), Bin((0,), 128), Bin((4,), None)]


def test_greedy_counts_frames() -> None:
    """A bin closes when the frames run out, and a clip longer than the limit goes eager alone."""
    clips = [Load(4, frames=2), Load(5, frames=2), Load(6, frames=9), Load(7, frames=1)]
    plan = packer("greedy").pack(clips, Limits((64,), 8, max_frames=3))
    assert plan == [Bin((0,), 64), Bin((1, 3), 64), Bin((2,), None)]


def test_greedy_falls_off_the_cliff() -> None:
    """Two items of 40 tokens on the ladder (64, 4096): 32 times the work of one replay each."""
    cliff = Limits((64, 4096), 8)
    apart = [Bin((0,), 64), Bin((1,), 64)]
    greedy = packer("greedy").pack(sized(40, 40), cliff)
    assert plan_cost(greedy, overhead=0) == 32 * plan_cost(apart, overhead=0)
    assert packer("deferral").pack(sized(40, 40), cliff) == apart
    assert packer("least_cost").pack(sized(40, 40), cliff) == apart


def test_deferral_needs_both_conditions() -> None:
    """It closes only if that is strictly cheaper, and only for an item of the bin's budget or more."""
    pack = packer("deferral").pack
    assert pack(sized(40, 40), Limits((64, 128), 8)) == [Bin((0, 1), 128)]
    assert pack(sized(40, 41, 60), Limits((64, 128, 4096), 8)) == [Bin((0, 1, 2), 4096)]
    assert pack(sized(40, 41, 100), Limits((64, 128, 4096), 8)) == [Bin((0, 1), 128), Bin((2,), 128)]


def test_wrong_values_are_refused() -> None:
    """Each refusal names the value, and what would be valid."""
    with pytest.raises(ValueError, match="'best' does not exist: choose one of deferral, greedy, least_cost"):
        packer("best")
    with pytest.raises(ValueError, match=r"budgets=\(128, 64\): give at least one"):
        Limits((128, 64), 8)
    with pytest.raises(ValueError, match="max_items=0"):
        Limits((64,), 0)
    with pytest.raises(ValueError, match="max_frames=0"):
        Limits((64,), 8, max_frames=0)
    with pytest.raises(ValueError, match="at least one token and one frame"):
        Load(0)
