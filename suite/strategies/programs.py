"""Programs: one start and several calls, at the sizes and in the orders that compilers get wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from models.programs import SMALL, VARIANTS, program
from models.programs.grids import largest
from suite.contract.program import COMPONENTS, MODES, Call, CompileSetup, ProgramCase, ProgramSpec, Start
from suite.strategies.cases import Space
from suite.strategies.sizes import SEEDS

TOY = "toy"
TOWER = "tower"
DECODER = "decoder"
LAYOUTS = ("view", "aliases", "mutates", "strided", "dtypes", "outputs")
"""Programs whose outputs or inputs are about memory."""
LAYERED = ("constants", "block")
GENERATED = ("seams", "outputs", "mutates", "strided", "dtypes", "view", "aliases", "constants")
"""Programs for which code can be generated without the value of a size."""
SLOW = ("inductor",)
"""Compilers of pieces that take seconds: strategies of their own draw them."""
LARGEST = 24
"""Most units of a call to a small program: no border lies beyond."""

Sized = tuple[int, ...]


@st.composite
def specs(draw: st.DrawFn, names: Sequence[str]) -> ProgramSpec:
    """A program, and values for what it bakes; the first takes the fewest choices."""
    name = draw(st.sampled_from(names), label="program")
    bakes = program(name).bakes if name != TOWER else frozenset[str]()
    return ProgramSpec(
        name,
        scale=draw(st.sampled_from([1.0, 0.5, 2.0]), label="scale") if "scale" in bakes else 1.0,
        depth=draw(st.integers(1, 3), label="depth") if "depth" in bakes else 1,
        optional=draw(st.booleans(), label="optional") if "optional" in bakes else False,
        environment=draw(st.sampled_from(VARIANTS), label="environment") if "environment" in bakes else "",
    )


def backends(space: Space) -> st.SearchStrategy[str]:
    """One of the compilers of pieces that are quick, the cheapest most often."""
    quick = [name for name in space.capabilities.compile_backends if name not in SLOW]
    return st.sampled_from([*quick[:1] * 3, *quick[1:]])


def units(spec: ProgramSpec, *, most: int = LARGEST) -> st.SearchStrategy[Sized]:
    """Items of one call: one row, two, none, a few items of any size."""
    least = 0 if program(spec.name).empty else 1
    several = st.lists(st.integers(least, most // 3), min_size=1, max_size=4).map(tuple)
    single = st.sampled_from([(1,), (2,), (most,), *([()] * (1 - least))])
    return single | several


@st.composite
def calls(draw: st.DrawFn, spec: ProgramSpec, *, most: int = LARGEST, instances: int = 1) -> tuple[Call, ...]:
    """Two to six calls; some repeat the total of the first with other borders between items."""
    first = draw(units(spec, most=most), label="first")
    others = draw(st.lists(units(spec, most=most), min_size=1, max_size=4), label="others")
    if sum(first) > 1 and draw(st.booleans(), label="other borders"):
        cut = draw(st.integers(1, sum(first) - 1), label="cut")
        others.append((cut, sum(first) - cut))
    chosen = st.integers(0, instances - 1)
    return tuple(Call(sizes, draw(SEEDS), draw(chosen)) for sizes in (first, *others))


@st.composite
def setups(draw: st.DrawFn, space: Space, spec: ProgramSpec) -> CompileSetup:
    """Mode full, either component, split or not, with ranges or without."""
    component = draw(st.sampled_from(COMPONENTS[::-1]), label="component")
    ends = draw(st.just(()) | ranges(), label="ranges")
    return CompileSetup(
        backend=draw(backends(space), label="back end"),
        component=component,
        split=draw(st.booleans(), label="split") if program(spec.name).seams else False,
        # A language model's last range ends at the last endpoint: no call may be larger.
        ranges=(*ends, LARGEST + 12) if ends and component == "language_model" else ends,
        cached=draw(st.booleans(), label="cached"),
    )


def ranges() -> st.SearchStrategy[tuple[int, ...]]:
    """One to three ends of ranges; two that follow each other make a range of one size."""
    return st.sets(st.integers(1, 12), min_size=1, max_size=3).map(lambda ends: tuple(sorted(ends)))


@st.composite
def any_program(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Any program in any setup of mode full; the decoder seldom, for it is slow to trace."""
    spec = draw(specs([*SMALL, *SMALL, DECODER]), label="program")
    setup = draw(setups(space, spec), label="setup")
    return _case(space, spec, setup, draw(calls(spec), label="calls"))


@st.composite
def layouts(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Programs about memory: views, aliases, writes, strides, dtypes."""
    spec = draw(specs(LAYOUTS), label="program")
    return _case(space, spec, draw(setups(space, spec), label="setup"), draw(calls(spec), label="calls"))


@st.composite
def writes(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Programs that write their input, and some that must not."""
    spec = draw(specs(("mutates", "mutates", "view", "aliases")), label="program")
    return _case(space, spec, draw(setups(space, spec), label="setup"), draw(calls(spec), label="calls"))


@st.composite
def layers(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Blocks that are equal, or differ in a constant alone, split at their seams."""
    spec = draw(specs(LAYERED), label="program")
    depth = draw(st.integers(2, 4), label="depth")
    setup = CompileSetup(backend=draw(backends(space), label="back end"), split=True)
    spec = ProgramSpec(spec.name, scale=spec.scale, depth=depth)
    return _case(space, spec, setup, draw(calls(spec), label="calls"))


@st.composite
def borders(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Calls of the first, second, last but one and last size of ranges, and of the size after, in any order."""
    spec = draw(specs(("outputs", "block", "seams", "constants", "optional")), label="program")
    component = draw(st.sampled_from(COMPONENTS[::-1]), label="component")
    ends = draw(ranges(), label="ranges")
    aims = [size for size in borders_of(ends) if component == "encoder" or size <= ends[-1]]
    aimed = draw(st.lists(st.sampled_from(aims), min_size=1, max_size=8), label="sizes")
    split = draw(st.booleans(), label="split")
    setup = CompileSetup(backend=draw(backends(space), label="back end"), component=component, split=split, ranges=ends)
    return _case(space, spec, setup, tuple(Call(draw(pieces(size)), draw(SEEDS)) for size in aimed))


def borders_of(ends: Sequence[int]) -> list[int]:
    """Two sizes on either side of each end of a range, and 0; ascending, each once."""
    return sorted({0, *(size for end in ends for size in range(end - 1, end + 3))})


def pieces(total: int) -> st.SearchStrategy[Sized]:
    """One item of so many units, or two."""
    return st.integers(0, total // 2).map(lambda cut: (cut, total - cut) if cut else (total,))


@st.composite
def instances(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Two or three instances of one class with other weights, called in any order; one alone for comparison."""
    spec = draw(specs(("seams", "block", "mutates", "strided")), label="program")
    setup = draw(setups(space, spec), label="setup")
    count = draw(st.integers(1, 3), label="instances")
    each = tuple(Call(draw(units(spec)), draw(SEEDS), number) for number in draw(st.permutations(range(count))))
    setup = replace(setup, instances=count)
    return _case(space, spec, setup, (*each, *draw(calls(spec, instances=count), label="calls")))


@st.composite
def modes(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Modes in which the subject adds nothing of its own."""
    spec = draw(specs(tuple(SMALL)), label="program")
    mode = draw(st.sampled_from(MODES[:2]), label="mode")
    component = draw(st.sampled_from(COMPONENTS[::-1]), label="component")
    setup = CompileSetup(mode=mode, backend=draw(backends(space), label="back end"), component=component)
    return _case(space, spec, setup, draw(calls(spec), label="calls"))


@st.composite
def marches(draw: st.DrawFn, space: Space) -> ProgramCase:
    """A first call of any size, then 0, 1, 2 and many units in any order, and one to five items of each."""
    spec = draw(specs(tuple(SMALL)), label="program")
    setup = draw(setups(space, spec), label="setup")
    first = draw(units(spec), label="first")
    small = draw(st.permutations([(), (1,), (2,), (LARGEST,)]), label="sizes")
    counts = draw(st.permutations(range(2, 6)), label="items")
    items = [tuple(draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))) for count in counts]
    return _case(space, spec, setup, tuple(Call(sizes, draw(SEEDS)) for sizes in (first, *small, *items)))


@st.composite
def towers(draw: st.DrawFn, space: Space) -> ProgramCase:
    """The family's encoder, and ten batches: any first one, then one to five images of one unit or many.

    The toy shares its cases with the text decoder.
    """
    name = draw(st.sampled_from((TOWER, DECODER)), label="program") if space.family.name == TOY else TOWER
    most = min(largest(space.family.sizes), LARGEST)
    first = draw(st.sampled_from([(1,), (4, 3), (most,)]), label="first")
    counts = draw(st.permutations(range(1, 6)), label="items")
    batches = [tuple(draw(st.lists(st.integers(1, most), min_size=count, max_size=count))) for count in counts]
    sizes = draw(st.permutations([(1,), (2,), (most,), *batches, _turned(first)]), label="order")
    chosen = tuple(Call(each, draw(SEEDS)) for each in (first, *sizes))
    ends: tuple[int, ...] = draw(st.just(()) | st.integers(1, most).map(lambda end: (end,)), label="ranges")
    ends = (*ends, 5 * most) if ends and name == DECODER else ends
    component = COMPONENTS[0] if name == DECODER else COMPONENTS[1]
    setup = CompileSetup(backend=space.capabilities.compile_backends[0], component=component, ranges=ends)
    return _case(space, ProgramSpec(name), setup, chosen)


def _turned(sizes: Sized) -> Sized:
    """The same total, cut elsewhere where it can be."""
    return (1, sum(sizes) - 1) if sum(sizes) > 1 else sizes


def _case(space: Space, spec: ProgramSpec, setup: CompileSetup, chosen: tuple[Call, ...]) -> ProgramCase:
    return ProgramCase(space.family.name, (Start(spec, setup, chosen),))


def slow_backends(space: Space) -> list[str]:
    """Compilers of pieces that take seconds, of those that the subject has."""
    return [name for name in space.capabilities.compile_backends if name in SLOW]


@st.composite
def slow(draw: st.DrawFn, space: Space) -> ProgramCase:
    """The family's encoder, or on the toy a small program, through a compiler that generates code."""
    name = draw(st.sampled_from(GENERATED), label="program") if space.family.name == TOY else TOWER
    spec = ProgramSpec(name)
    most = min(largest(space.family.sizes), LARGEST)
    # Some compilers make code for several large items alone, and leave the rest to eager.
    large = (min(12, most), min(9, most))
    sizes = draw(st.permutations([(1,), (most,), (4, 3), (2, 2, 1), large]), label="sizes")
    setup = CompileSetup(backend=draw(st.sampled_from(slow_backends(space)), label="back end"))
    return _case(space, spec, setup, tuple(Call(each, draw(SEEDS)) for each in sizes))


PROGRAMS: dict[str, Callable[[Space], st.SearchStrategy[ProgramCase]]] = {
    "programs": any_program,
    "layouts": layouts,
    "writes": writes,
    "layers": layers,
    "borders": borders,
    "instances": instances,
    "modes": modes,
    "marches_of_sizes": marches,
    "towers": towers,
    "generated_code": slow,
}
