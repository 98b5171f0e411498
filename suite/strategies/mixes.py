"""Mixes: the sizes of one batch, drawn relative to a ladder so that its boundaries are met on purpose."""

from __future__ import annotations

from hypothesis import strategies as st

from models.api import Sizes
from suite.contract.case import Batch, ItemSpec, Setup
from suite.strategies.sizes import FILLS, SEEDS, clips, grids, shapes_of


@st.composite
def items(draw: st.DrawFn, sizes: Sizes, *, tokens: int) -> ItemSpec:
    """An image of about that many tokens, of any shape; one in eight is blank."""
    grid = draw(grids(sizes, tokens=tokens), label="grid")
    return ItemSpec(grid, draw(SEEDS, label="seed"), fill=draw(FILLS, label="fill"))


@st.composite
def small_items(draw: st.DrawFn, sizes: Sizes, setup: Setup) -> ItemSpec:
    """From the smallest item up to the smallest budget."""
    units = draw(st.integers(1, setup.budgets[0] // sizes.unit), label="units")
    return draw(items(sizes, tokens=units * sizes.unit))


@st.composite
def edge_items(draw: st.DrawFn, sizes: Sizes, setup: Setup) -> ItemSpec:
    """One unit below, at, or one above a budget: the one above the largest is oversized."""
    budget = draw(st.sampled_from(setup.budgets), label="budget")
    return draw(items(sizes, tokens=budget + draw(st.integers(-1, 1), label="past it") * sizes.unit))


@st.composite
def oversized_items(draw: st.DrawFn, sizes: Sizes, setup: Setup) -> ItemSpec:
    """Above the largest budget, at the next size that has a shape; the family's largest if none has."""
    most = sizes.max_tokens // sizes.unit
    above = range(setup.budgets[-1] // sizes.unit + 1, most + 1)
    units = next((count for count in above if shapes_of(sizes, count * sizes.unit)), most)
    return draw(items(sizes, tokens=units * sizes.unit))


@st.composite
def filling_batches(draw: st.DrawFn, sizes: Sizes, setup: Setup) -> Batch:
    """Items whose tokens sum to a budget, or to one unit less or more."""
    budget = draw(st.sampled_from(setup.budgets), label="budget")
    left = budget // sizes.unit + draw(st.sampled_from((0, 0, 1, -1)), label="past it")
    parts = []
    for remaining in range(min(setup.max_items, 3), 0, -1):
        part = left if remaining == 1 else draw(st.integers(1, max(1, left - remaining + 1)), label="part")
        parts.append(part)
        left -= part
        if left <= 0:
            break
    return tuple(draw(items(sizes, tokens=part * sizes.unit)) for part in parts)


@st.composite
def small_batches(draw: st.DrawFn, sizes: Sizes, setup: Setup, *, max_items: int) -> Batch:
    """Two items or more that each fit the smallest budget: which of them go together is open."""
    return tuple(draw(st.lists(small_items(sizes, setup), min_size=2, max_size=max_items), label="small items"))


@st.composite
def crowded_batches(draw: st.DrawFn, sizes: Sizes, setup: Setup) -> Batch:
    """One item more than the limit on items, each as small as can be."""
    count = setup.max_items + 1
    return tuple(draw(items(sizes, tokens=sizes.unit)) for _ in range(count))


@st.composite
def free_batches(draw: st.DrawFn, sizes: Sizes, setup: Setup, *, max_items: int) -> Batch:
    """Up to `max_items` items of any size."""
    item = st.one_of(small_items(sizes, setup), edge_items(sizes, setup), oversized_items(sizes, setup))
    return tuple(draw(st.lists(item, min_size=1, max_size=max_items), label="items"))


@st.composite
def reels(draw: st.DrawFn, sizes: Sizes, setup: Setup) -> Batch:
    """Two clips or three, each small enough for all of them to fit the largest graph together."""
    count = draw(st.integers(2, max(2, min(3, setup.max_items))), label="clips")
    grid = clips(sizes, max_tokens=setup.budgets[-1] // count)
    clip = st.builds(ItemSpec, grid, SEEDS, modality=st.just("video"))
    return tuple(draw(clip, label="clip") for _ in range(count))


@st.composite
def oversized_batches(draw: st.DrawFn, sizes: Sizes, setup: Setup) -> Batch:
    """Only items that no graph can hold."""
    return tuple(draw(st.lists(oversized_items(sizes, setup), min_size=1, max_size=2), label="items"))


@st.composite
def batches(draw: st.DrawFn, sizes: Sizes, setup: Setup, *, max_items: int = 4) -> Batch:
    """Any batch with an item: a small one alone, free, filling a budget to the brim, crowded, or all oversized.

    The first takes the fewest choices, so that a failure shrinks to it.
    """
    kinds = st.one_of(
        st.tuples(small_items(sizes, setup)),
        free_batches(sizes, setup, max_items=max_items),
        filling_batches(sizes, setup),
        crowded_batches(sizes, setup),
        oversized_batches(sizes, setup),
    )
    return draw(kinds)
