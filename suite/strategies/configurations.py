"""Configurations as users write them: unsorted, doubled, too small, contradictory."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from hypothesis import strategies as st

from models.api import Family, Sizes
from suite.contract.case import Setup
from suite.contract.subject import Capabilities


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
def bad_setups(draw: st.DrawFn, family: Family, capabilities: Capabilities) -> Setup:
    """A good configuration with exactly one value spoilt: too small, too large, of another type, unknown."""
    unit = family.sizes.unit
    good = Setup(budgets=(4 * unit, 8 * unit), max_items=2)
    negative = draw(st.integers(-100, -1), label="negative")
    no_number = cast("int", draw(st.sampled_from([2.5, "64", True]), label="no whole number"))
    # A subject that declares no back ends has no such option to spoil.
    unknown = [f"no-such-back-end-{-negative}"] if capabilities.backends else []
    unbuildable = [name for name in capabilities.backends if name not in family.backends]
    bad_budgets = [draw(st.permutations((bad, *good.budgets)).map(tuple)) for bad in (negative, 0, no_number)]
    return draw(
        st.sampled_from(
            [
                *(replace(good, budgets=budgets) for budgets in bad_budgets),
                replace(good, max_items=negative),
                replace(good, max_items=no_number),
                replace(good, max_items=good.budgets[0] + 1 - negative),
                replace(good, max_frames=negative),
                replace(good, max_frames=no_number),
                *(replace(good, backend=name) for name in (*unknown, *unbuildable)),
            ]
        ),
        label="spoilt",
    )
