"""Configurations as users write them: unsorted, doubled, too small, contradictory."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from models.api import Sizes
from suite.contract.case import Setup


@st.composite
def wild_setups(draw: st.DrawFn, sizes: Sizes) -> Setup:
    """Any list of positive budgets in any order, any limits from 0 up; a subject may refuse it."""
    budgets = draw(
        st.lists(st.integers(1, 40), max_size=4).map(lambda units: tuple(n * sizes.unit for n in units)),
        label="budgets",
    )
    odd = draw(st.sampled_from([0, 0, 0, 1]), label="tokens past a multiple of the unit")
    return Setup(
        budgets=tuple(budget + odd for budget in budgets),
        max_items=draw(st.integers(0, 12), label="max items"),
        max_frames=draw(st.none() | st.integers(0, 12), label="max frames"),
    )


@st.composite
def bad_setups(draw: st.DrawFn, sizes: Sizes) -> Setup:
    """A good configuration with exactly one value spoilt."""
    good = Setup(budgets=(4 * sizes.unit, 8 * sizes.unit), max_items=2)
    negative = draw(st.integers(-100, -1), label="negative")
    zero_or_less = draw(st.integers(-100, 0), label="zero or less")
    return draw(
        st.sampled_from(
            [
                replace(good, budgets=(zero_or_less, *good.budgets)),
                replace(good, max_items=negative),
                replace(good, max_frames=negative),
                replace(good, max_items=good.budgets[0] + 1 - negative),
                replace(good, backend=f"no-such-back-end-{-negative}"),
            ]
        ),
        label="spoilt",
    )
