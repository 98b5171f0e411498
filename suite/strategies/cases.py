"""Cases: a family, a configuration and a history, by the name under which laws ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import strategies as st

from models.api import Family, Grid
from suite.contract.case import Batch, Case, ItemSpec, Setup
from suite.contract.subject import Capabilities
from suite.strategies.configurations import bad_setups, wild_setups
from suite.strategies.ladders import setups
from suite.strategies.mixes import batches, items, oversized_batches, reels, small_batches, small_items
from suite.strategies.sizes import SEEDS, clips, shapes_of

LAYOUTS = 24
"""Different ones that one history has, where the family has so many."""


@dataclass(frozen=True)
class Space:
    """Where cases are drawn from: a family, what the subject can do, and the sizes of its photographs."""

    family: Family
    """The tower; of a law about whole models, the toy, which nothing asks for."""
    capabilities: Capabilities
    photographs: tuple[Grid, ...] = ()
    model: str = ""
    """Name of the whole model, for a law about loading those."""

    @property
    def name(self) -> str:
        """The family that the cell is about."""
        return self.model or self.family.name

    @property
    def cost(self) -> float:
        """What one example costs beside the toy's; whole models are all alike."""
        return 1.0 if self.model else self.family.cost


@st.composite
def mixes(draw: st.DrawFn, space: Space) -> Case:
    """One batch in one configuration."""
    sizes = space.family.sizes
    setup = draw(setups(sizes), label="setup")
    return Case(space.family.name, setup, (draw(batches(sizes, setup), label="batch"),))


def _reseeded(batch: Batch) -> Batch:
    return tuple(replace(spec, seed=spec.seed + 10) for spec in batch)


@st.composite
def histories(draw: st.DrawFn, space: Space) -> Case:
    """One to four batches; some are empty, and some repeat the sizes of an earlier one with other pixels."""
    sizes = space.family.sizes
    setup = draw(setups(sizes), label="setup")
    history: list[Batch] = [draw(batches(sizes, setup), label="batch 0")]
    for number in range(1, draw(st.integers(1, 4), label="batches")):
        again = st.sampled_from([*history, ()]).map(_reseeded)
        history.append(draw(batches(sizes, setup, max_items=3) | again, label=f"batch {number}"))
    return Case(space.family.name, setup, tuple(history))


@st.composite
def twins(draw: st.DrawFn, space: Space) -> Case:
    """Two batches of one total, cut at other places, and the first of them once more."""
    sizes = space.family.sizes
    setup = replace(draw(setups(sizes, max_budgets=2), label="setup"), max_items=3)
    ladder = [budget // sizes.unit for budget in setup.budgets]
    units = draw(st.integers(2, ladder[-1]) | st.sampled_from(ladder), label="total in units")
    cuts = st.sets(st.integers(1, units - 1), min_size=int(units > 2), max_size=setup.max_items - 1).map(sorted)
    pair = [
        tuple(draw(items(sizes, tokens=(stop - start) * sizes.unit)) for start, stop in pairwise([0, *inner, units]))
        for inner in draw(st.lists(cuts, min_size=2, max_size=2, unique_by=tuple), label="cuts")
    ]
    return Case(space.family.name, setup, (pair[0], pair[1], pair[0]))


@st.composite
def oversized(draw: st.DrawFn, space: Space) -> Case:
    """A first batch that no graph can hold, then one of any kind."""
    sizes = space.family.sizes
    setup = draw(setups(sizes), label="setup")
    first = draw(oversized_batches(sizes, setup), label="oversized")
    return Case(space.family.name, setup, (first, draw(batches(sizes, setup), label="batch")))


@st.composite
def videos(draw: st.DrawFn, space: Space) -> Case:
    """Clips among images, within and beyond the limits on frames and tokens: often one frame less than is needed."""
    sizes = space.family.sizes
    setup = draw(setups(sizes), label="setup")
    clip = st.builds(ItemSpec, clips(sizes, max_tokens=2 * setup.budgets[-1]), SEEDS, modality=st.just("video"))
    batch = st.lists(clip, min_size=1, max_size=3).map(tuple)
    history = [draw(batch, label="clips"), draw(batches(sizes, setup, max_items=2), label="images")]
    needed = sum(spec.grid.frames for spec in history[0])
    frames = draw(st.none() | st.sampled_from([needed, needed - 1, 2, 4, 6]), label="max frames")
    mixed = (*history[0][:1], *history[1][:2])
    return Case(space.family.name, replace(setup, max_frames=frames), (*history, mixed))


@st.composite
def photographs(draw: st.DrawFn, space: Space) -> Case:
    """Batches of the repository's photographs, on a ladder that some of them overrun."""
    sizes = space.family.sizes
    tokens = sorted(sizes.tokens(grid) for grid in space.photographs)
    numbers = st.lists(st.integers(0, len(tokens) - 1), min_size=1, max_size=3)
    least, most = tokens[0], tokens[-1]
    ladder = draw(st.sampled_from([(most,), (least, 2 * most), (least,)]), label="budgets")
    setup = Setup(budgets=tuple(sorted(set(ladder))), max_items=draw(st.integers(1, 3), label="max items"))
    history = [
        tuple(ItemSpec(space.photographs[number], photograph=number) for number in draw(numbers, label="photographs"))
        for _ in range(2)
    ]
    return Case(space.family.name, setup, tuple(history))


@st.composite
def packers(draw: st.DrawFn, space: Space) -> Case:
    """Batches of up to eight items under each of the subject's packers, often small ones that may share."""
    sizes = space.family.sizes
    setup = draw(setups(sizes), label="setup")
    name = draw(st.sampled_from(space.capabilities.packers), label="packer")
    batch = draw(batches(sizes, setup, max_items=8), label="batch")
    small = draw(st.lists(small_batches(sizes, setup, max_items=6), min_size=1, max_size=2), label="small batches")
    return Case(space.family.name, replace(setup, packer=name), (batch, *small))


@st.composite
def backends(draw: st.DrawFn, space: Space) -> Case:
    """Histories under each attention back end that both the subject and the family have."""
    case = draw(histories(space), label="case")
    both = [name for name in space.capabilities.backends if name in space.family.backends]
    name = draw(st.sampled_from(both), label="back end")
    return replace(case, setup=replace(case.setup, backend=name))


@st.composite
def configurations(draw: st.DrawFn, space: Space) -> Case:
    """Configurations of every kind, sensible or not, with one small batch."""
    setup = draw(wild_setups(space.family.sizes), label="setup")
    ladder = Setup(budgets=tuple(sorted(setup.budgets)) or (8 * space.family.sizes.unit,), max_items=2)
    return Case(space.family.name, setup, (draw(batches(space.family.sizes, ladder, max_items=2), label="batch"),))


@st.composite
def bad_configurations(draw: st.DrawFn, space: Space) -> Case:
    """A configuration with one value that cannot work."""
    return Case(space.family.name, draw(bad_setups(space.family, space.capabilities), label="setup"))


@st.composite
def defaults(draw: st.DrawFn, space: Space) -> Case:
    """A configuration and no history."""
    return Case(space.family.name, draw(setups(space.family.sizes), label="setup"))


@st.composite
def packings(draw: st.DrawFn, space: Space) -> Case:
    """Mixes of images, and of clips where subject and family take them, under any of the subject's packers.

    Some go on with clips that would share a graph but for their frames, and some end in a crowd: more small
    items than any graph holds, a queue that has to be cut many times.
    """
    sizes = space.family.sizes
    with_clips = space.capabilities.video and "video" in space.family.modalities
    case = draw(st.one_of(mixes(space), videos(space)) if with_clips else mixes(space), label="case")
    setup = replace(case.setup, packer=draw(st.sampled_from(space.capabilities.packers or (None,)), label="packer"))
    history = list(case.history)
    if with_clips and draw(st.booleans(), label="reel"):
        setup = replace(setup, max_items=max(2, setup.max_items))
        reel = draw(reels(sizes, setup), label="reel")
        needed = sum(spec.grid.frames for spec in reel)
        setup = replace(setup, max_frames=draw(st.sampled_from([setup.max_frames, needed - 1]), label="max frames"))
        history.append(reel)
    count = draw(st.sampled_from([0, 14]), label="crowd")
    small = Setup(budgets=(draw(st.integers(1, setup.budgets[0] // sizes.unit), label="units at most") * sizes.unit,))
    if count:
        history.append(tuple(draw(small_items(sizes, small), label="item") for _ in range(count)))
    return Case(case.family, setup, tuple(history))


@st.composite
def marches(draw: st.DrawFn, space: Space) -> Case:
    """Up to forty images one after the other, of many shapes, and the last few of them once more."""
    sizes = space.family.sizes
    setup = draw(setups(sizes), label="setup")
    count = draw(st.integers(1, 40), label="batches")
    units = st.integers(1, setup.budgets[-1] // sizes.unit)
    history = [(draw(items(sizes, tokens=draw(units) * sizes.unit), label="item"),) for _ in range(count)]
    return Case(space.family.name, setup, (*history, *map(_reseeded, history[-8:])))


@st.composite
def many_layouts(draw: st.DrawFn, space: Space) -> Case:
    """Many different layouts, each in two batches of its own pixels: a subject may capture what comes again."""
    sizes = space.family.sizes
    setup = draw(setups(sizes), label="setup")
    most = range(1, setup.budgets[-1] // sizes.unit + 1)
    known = [grid for units in most for grid in shapes_of(sizes, units * sizes.unit)][:LAYOUTS]
    every = [(grid,) for grid in known] + [(grid, other) for grid in known for other in known]
    drawn = draw(st.permutations(every), label="layouts")[:LAYOUTS]
    batches_of = [tuple(ItemSpec(grid, seed) for grid in layout) for layout in drawn for seed in (0, 1)]
    return Case(space.family.name, setup, tuple(batches_of))


CASES: dict[str, Callable[[Space], st.SearchStrategy[Case]]] = {
    "mixes": mixes,
    "packings": packings,
    "histories": histories,
    "marches": marches,
    "many_layouts": many_layouts,
    "twins": twins,
    "oversized": oversized,
    "videos": videos,
    "photographs": photographs,
    "packers": packers,
    "backends": backends,
    "configurations": configurations,
    "bad_configurations": bad_configurations,
    "setups": defaults,
}
