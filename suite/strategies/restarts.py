"""Restarts: two to four starts over one cache folder, of which the later ones differ in one thing, or in nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import strategies as st

from models.programs import VARIANTS, program
from suite.contract.program import DAMAGES, Call, CompileSetup, Damage, ProgramCase, ProgramSpec, Start
from suite.strategies.cases import Space
from suite.strategies.flips import FLIPS, HARMLESS, HAVE, SCALES, TELLING, Flip, Frame, closed, flipped, frames
from suite.strategies.programs import SLOW, borders_of, pieces, ranges
from suite.strategies.sizes import SEEDS

CHEAP = ("scalar", "optional", "environment", "constants", "seams")
"""Programs that are traced fastest, one for each thing that tracing bakes."""
WRITING = ("mutates", "aliases", "view", "strided", "dtypes")
"""Programs whose effects beside values must outlive a restart."""


def quick_backends(space: Space) -> list[str]:
    """Compilers of pieces that take no seconds, the cheapest three times."""
    quick = [name for name in space.capabilities.compile_backends if name not in SLOW]
    return [*quick[:1] * 3, *quick[1:]]


@st.composite
def _starts(draw: st.DrawFn, space: Space, names: Sequence[str] = CHEAP, *, aot: bool | None = None) -> Start:
    """Any start of one of the programs; ahead of time or not, as said or as drawn."""
    return _start(draw(frames(), label="frame"), space, names, aot=aot)


def _start(frame: Frame, space: Space, names: Sequence[str], *, aot: bool | None) -> Start:
    """The start that a frame makes of one of the programs."""
    name = frame.choice("program", names)
    bakes, seams = program(name).bakes, program(name).seams
    spec = ProgramSpec(
        name,
        scale=frame.choice("scale", SCALES) if "scale" in bakes else 1.0,
        depth=frame.choice("depth", (1, 2)) if "depth" in bakes else 1,
        optional="optional" in bakes and frame.choice("optional", (False, True)),
        environment=frame.choice("environment", VARIANTS) if "environment" in bakes else "",
    )
    # What is compiled ahead of time is compiled for every range: there the cheapest compiler must do.
    compilers = quick_backends(space)[:1] if aot else quick_backends(space)
    setup = CompileSetup(
        backend=frame.choice("back end", compilers),
        component=frame.component,
        split=bool(seams) and frame.choice("split", (False, True)),
        ranges=frame.ranges,
        aot=space.capabilities.ahead_of_time and (frame.choice("aot", (False, True)) if aot is None else aot),
    )
    return Start(spec, closed(setup), frame.calls)


@st.composite
def restarts(draw: st.DrawFn, space: Space) -> ProgramCase:
    """The same start twice: cold, then warm."""
    start = draw(_starts(space, (*CHEAP, *WRITING)), label="start")
    return ProgramCase(space.family.name, (start, start))


@st.composite
def _flipped(
    draw: st.DrawFn, space: Space, flips: Mapping[str, Flip], *, aot: bool | None = None
) -> tuple[Start, Start]:
    """A start, and one that differs in one thing."""
    frame = draw(frames(), label="frame")
    name = frame.choice("flip", list(flips))
    start = _start(frame, space, HAVE.get(name, CHEAP), aot=aot)
    return start, draw(flips[name](start), label="flipped")


@st.composite
def flips(draw: st.DrawFn, space: Space) -> ProgramCase:
    """One start, one that differs in one thing, and sometimes the first again."""
    before, after = draw(_flipped(space, FLIPS), label="starts")
    again = (before,) if draw(st.booleans(), label="and back") else ()
    return ProgramCase(space.family.name, (before, after, *again))


@st.composite
def requests(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Two starts just in time that may or may not ask for other code."""
    return ProgramCase(space.family.name, draw(_flipped(space, {**TELLING, **HARMLESS}, aot=False)))


@st.composite
def telling_flips(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Two starts ahead of time, of two programs that differ in one thing."""
    return ProgramCase(space.family.name, draw(_flipped(space, TELLING, aot=True)))


@st.composite
def harmless_flips(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Two starts ahead of time that differ in what no program knows of."""
    return ProgramCase(space.family.name, draw(_flipped(space, HARMLESS, aot=True)))


@st.composite
def environments(draw: st.DrawFn, space: Space) -> ProgramCase:
    """A program that reads the environment while it is traced, started ahead of time in two of them or three."""
    start = draw(_starts(space, ("environment",), aot=True), label="start")
    values = draw(st.permutations(VARIANTS), label="environments")[: draw(st.integers(2, 3), label="starts")]
    starts = tuple(replace(start, program=replace(start.program, environment=value)) for value in values)
    return ProgramCase(space.family.name, starts)


@st.composite
def pairs(draw: st.DrawFn, space: Space) -> ProgramCase:
    """Two programs of one component or of both: alike, equal, or strangers."""
    frame = draw(frames(), label="frame")
    flip = frame.choice("flip", ["likeness", "component"])
    before = _start(frame, space, HAVE["likeness"], aot=False)
    return ProgramCase(space.family.name, (before, draw(FLIPS[flip](before), label="other")))


@st.composite
def damaged(draw: st.DrawFn, space: Space) -> ProgramCase:
    """A start, the same after the cache was damaged, and the same once more."""
    frame = draw(frames(), label="frame")
    start = _start(frame, space, ("scalar", "optional", "constants"), aot=None)
    hurt = frame.choice("damage", [each for each in DAMAGES if each != "unwritable"])
    return ProgramCase(space.family.name, (start, replace(start, damage=hurt), start))


@st.composite
def unwritable(draw: st.DrawFn, space: Space) -> ProgramCase:
    """A start in a cache that takes nothing more, alone or after another one, and the same when it does again."""
    before, after = draw(_flipped(space, {name: TELLING[name] for name in ("scale", "ranges")}), label="starts")
    # Other compilers write files of their own, which a full disk hits too.
    before, after = (replace(each, setup=replace(each.setup, backend="eager")) for each in (before, after))
    others = (before,) if draw(st.booleans(), label="another before") else ()
    return ProgramCase(space.family.name, (*others, replace(after, damage="unwritable"), after))


@st.composite
def warm_borders(draw: st.DrawFn, space: Space) -> ProgramCase:
    """A start of one call, and one that loads it and calls the borders of its ranges."""
    start = draw(_starts(space, ("scalar", "optional", "seams")), label="start")
    ends = draw(ranges(), label="ranges")
    start = replace(start, setup=closed(replace(start.setup, ranges=ends)), calls=start.calls[:1])
    aims = [size for size in borders_of(ends) if size]
    aimed = draw(st.lists(st.sampled_from(aims), min_size=1, max_size=6, unique=True), label="sizes")
    calls = tuple(Call(draw(pieces(size)), draw(SEEDS)) for size in aimed)
    return ProgramCase(space.family.name, (start, replace(start, calls=calls)))


@st.composite
def traced(draw: st.DrawFn, space: Space) -> ProgramCase:
    """One traced start, split or not, with ranges or without, just in time."""
    start = draw(_starts(space, ("seams", "constants", "scalar"), aot=False), label="start")
    return ProgramCase(space.family.name, (replace(start, setup=replace(start.setup, trace=True)),))


@st.composite
def traced_restarts(draw: st.DrawFn, space: Space) -> ProgramCase:
    """A traced start, cold and warm; ahead of time or not."""
    start = draw(_starts(space, ("scalar", "optional", "constants", "seams")), label="start")
    start = replace(start, setup=replace(start.setup, trace=True))
    return ProgramCase(space.family.name, (start, start))


@st.composite
def traced_pairs(draw: st.DrawFn, space: Space) -> ProgramCase:
    """One program as encoder and as language model, both traced."""
    start = draw(_starts(space, ("scalar", "seams"), aot=False), label="start")
    start = replace(start, setup=closed(replace(start.setup, trace=True, component="language_model")))
    other = replace(start, setup=replace(start.setup, component="encoder"))
    return ProgramCase(space.family.name, (start, other))


RESTARTS: dict[str, Callable[[Space], st.SearchStrategy[ProgramCase]]] = {
    "restarts": restarts,
    "flips": flips,
    "requests": requests,
    "telling_flips": telling_flips,
    "harmless_flips": harmless_flips,
    "environments": environments,
    "pairs_of_programs": pairs,
    "damaged_caches": damaged,
    "unwritable_caches": unwritable,
    "warm_borders": warm_borders,
    "traced_starts": traced,
    "traced_restarts": traced_restarts,
    "traced_components": traced_pairs,
}


def _any_start(holds: Callable[[Start], bool]) -> Callable[[ProgramCase], bool]:
    return lambda case: any(map(holds, case.starts))


def _flips(name: str) -> Callable[[ProgramCase], bool]:
    return lambda case: any(name in flipped(before, after) for before, after in pairwise(case.starts))


def _damaged(kind: Damage) -> Callable[[ProgramCase], bool]:
    return _any_start(lambda start: start.damage == kind)


def _same_again(case: ProgramCase) -> bool:
    return any(replace(before, damage=None) == replace(after, damage=None) for before, after in pairwise(case.starts))


RESTART_LABELS: dict[str, Callable[[ProgramCase], bool]] = {
    **{f"flipped-{name}": _flips(name) for name in ("name", "scale", "depth", "optional", "environment")},
    **{f"flipped-{name}": _flips(name) for name in ("backend", "component", "split", "ranges", "calls")},
    **{f"flipped-{name}": _flips(name) for name in ("instances", "trace", "aot", "mode")},
    **{f"damage-{kind}": _damaged(kind) for kind in DAMAGES},
    "same-start-again": _same_again,
    "ahead-of-time": _any_start(lambda start: start.setup.aot),
    "just-in-time": _any_start(lambda start: not start.setup.aot),
    "traced": _any_start(lambda start: start.setup.trace),
}
