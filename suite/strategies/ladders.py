"""Ladders: token budgets and limits that every subject must accept."""

from __future__ import annotations

import itertools
import math
import operator

from hypothesis import strategies as st

from models.api import Sizes
from suite.contract.case import Setup

LARGEST = 36
"""Largest budget drawn, in units: what costs time is tokens, and no boundary lies beyond."""


@st.composite
def ladders(draw: st.DrawFn, sizes: Sizes, *, max_budgets: int = 3) -> tuple[int, ...]:
    """One to three sorted budgets, multiples of the family's unit, in steps of 2 or 3.

    The largest stays below the family's largest image, so that oversized items exist.
    """
    largest = min(LARGEST, sizes.max_tokens // sizes.unit - 1)
    least = min(3, largest // 3)
    steps = draw(st.lists(st.integers(2, 3), max_size=max_budgets - 1), label="steps")
    while least * math.prod(steps) > largest:
        steps.pop()
    smallest = draw(st.integers(least, min(9, largest // math.prod(steps))), label="smallest budget in units")
    return tuple(units * sizes.unit for units in itertools.accumulate([smallest, *steps], operator.mul))


@st.composite
def setups(draw: st.DrawFn, sizes: Sizes, *, max_budgets: int = 3) -> Setup:
    """A ladder and an item limit that fits its smallest budget."""
    budgets = draw(ladders(sizes, max_budgets=max_budgets), label="budgets")
    limit = min(4, budgets[0] // sizes.unit)
    return Setup(budgets=budgets, max_items=draw(st.integers(1, limit), label="max items"))
