"""Histories of a cache of outputs: layouts that come again, larger batches, too little room, near twins of items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from models.api import Sizes
from suite.contract.case import Batch, ItemSpec, Setup
from suite.contract.kept_case import KeptCase, Step
from suite.strategies.cases import Space
from suite.strategies.ladders import setups
from suite.strategies.mixes import items
from suite.strategies.sizes import shapes_of

LARGEST = 6
"""Of an item, in units: layouts matter here, not sizes."""
OFF = Setup(enabled=False)
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class World:
    """What the scenes of one history share."""

    sizes: Sizes
    pool: Batch
    """Different items."""
    capacity: int
    """In tokens."""
    drops: bool = True
    """Whether single items can be dropped."""


def reseeded(spec: ItemSpec) -> ItemSpec:
    """An item of the same layout with other pixels, which no pool has."""
    return replace(spec, seed=spec.seed + 10)


def turned(sizes: Sizes, spec: ItemSpec) -> ItemSpec:
    """An item of the same pixels in another shape; of other pixels where there is no such shape."""
    others = [grid for grid in shapes_of(sizes, sizes.tokens(spec.grid)) if grid != spec.grid]
    return replace(spec, grid=others[0]) if others else reseeded(spec)


@st.composite
def worlds(draw: st.DrawFn, sizes: Sizes, *, drops: bool = True) -> World:
    """Three or four items, and room for one of them, for some, for all, or for none."""
    largest = min(LARGEST, sizes.max_tokens // sizes.unit)
    drawn: list[ItemSpec] = []
    for number in range(draw(st.integers(3, 4), label="items")):
        units = draw(st.integers(1, largest), label="units")
        drawn.append(replace(draw(items(sizes, tokens=units * sizes.unit)), seed=number, fill=None))
    tokens = sorted(sizes.tokens(spec.grid) for spec in drawn)
    rooms = (sum(tokens), tokens[-1], tokens[-1] + tokens[0], sum(tokens) - 1, tokens[-1] - 1, 0)
    return World(sizes, tuple(drawn), draw(st.sampled_from(rooms), label="capacity"), drops)


@st.composite
def overwritten(draw: st.DrawFn, world: World) -> Steps:
    """A batch is kept, another of the same layout comes, and the first is asked for."""
    batch = world.pool[: draw(st.integers(1, 2), label="items")]
    other = tuple(reseeded(spec) for spec in batch)
    again = draw(st.sampled_from((Step("encode", other), Step("keep", other))), label="the other")
    return Step("keep", batch), again, Step("get", batch)


@st.composite
def overrun(draw: st.DrawFn, world: World) -> Steps:
    """Single items are kept, then a larger batch is encoded."""
    kept = draw(st.lists(st.sampled_from(world.pool), min_size=1, max_size=2, unique=True), label="kept")
    larger = tuple(reseeded(spec) for spec in world.pool)
    return *(Step("keep", (spec,)) for spec in kept), Step("encode", larger), Step("get", tuple(kept))


@st.composite
def crowded(draw: st.DrawFn, world: World) -> Steps:
    """All items are kept, in one batch or one by one, some a second time."""
    order = tuple(draw(st.permutations(world.pool), label="order"))
    first = (Step("keep", order),) if draw(st.booleans(), label="together") else _each(order)
    return *first, *_each(draw(st.lists(st.sampled_from(order), max_size=1), label="again")), Step("get", order)


@st.composite
def refreshed(draw: st.DrawFn, world: World) -> Steps:
    """The first of several is asked for before more are kept."""
    first, *others = draw(st.permutations(world.pool), label="order")
    middle = draw(st.integers(1, len(others) - 1), label="kept before")
    before, after = _each(others[:middle]), _each(others[middle:])
    return Step("keep", (first,)), *before, Step("get", (first,)), *after, Step("get", (first, *others))


@st.composite
def let_go(draw: st.DrawFn, world: World) -> Steps:
    """Some items are kept, then one is dropped or all are cleared, and all are asked for."""
    batch = draw(st.lists(st.sampled_from(world.pool), min_size=1, max_size=3, unique=True), label="kept")
    ways = (Step("clear"), Step("drop", (batch[0],))) if world.drops else (Step("clear"),)
    goes = draw(st.sampled_from(ways), label="goes")
    return Step("keep", tuple(batch)), goes, Step("get", tuple(batch))


@st.composite
def mistaken(draw: st.DrawFn, world: World) -> Steps:
    """An item is kept, and its near twins are asked for: other pixels in its layout, its pixels in another shape."""
    spec = draw(st.sampled_from(world.pool), label="kept")
    twins = tuple(dict.fromkeys((reseeded(spec), turned(world.sizes, spec))))
    return Step("keep", (spec,)), Step("get", twins), Step("get", (spec,))


@st.composite
def too_large(draw: st.DrawFn, world: World) -> Steps:
    """An item is kept, then one that can have no room, and the first is asked for."""
    unit, most = world.sizes.unit, world.sizes.max_tokens
    giant = draw(items(world.sizes, tokens=min(most, world.capacity // unit * unit + unit)), label="giant")
    spec = draw(st.sampled_from(world.pool), label="kept")
    return Step("keep", (spec,)), Step("keep", (replace(giant, seed=20, fill=None),)), Step("get", (spec,))


SCENES: tuple[Callable[[World], st.SearchStrategy[Steps]], ...] = (
    overwritten,
    crowded,
    overrun,
    refreshed,
    let_go,
    mistaken,
    too_large,
)


def _each(specs: Sequence[ItemSpec]) -> Steps:
    """Kept one by one."""
    return tuple(Step("keep", (spec,)) for spec in specs)


@st.composite
def kept_histories(draw: st.DrawFn, space: Space) -> KeptCase:
    """One to three scenes over one pool of items and one capacity, with graphs or without where they can be off."""
    sizes, able = space.family.sizes, space.capabilities
    graphs = setups(sizes, max_budgets=1)
    setup = draw(st.just(OFF) | graphs if able.can_be_off else graphs, label="setup")
    world = draw(worlds(sizes, drops=able.drops_kept), label="world")
    scene = st.sampled_from(SCENES).flatmap(lambda each: each(world))
    scenes = draw(st.lists(scene, min_size=1, max_size=3), label="scenes")
    return KeptCase(space.family.name, world.capacity, setup, tuple(step for each in scenes for step in each))


KEPT: dict[str, Callable[[Space], st.SearchStrategy[KeptCase]]] = {"kept_histories": kept_histories}
