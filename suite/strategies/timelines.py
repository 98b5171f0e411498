"""Timelines: compiles of every path, outcome and nesting, by the name under which laws ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from suite.contract.program import Component, Mode
from suite.contract.timeline import Compile, Path, Timeline
from suite.strategies.cases import Space

DEEPEST = 4
"""Compiles inside each other, the outermost included."""
_PATHS: tuple[Path, ...] = ("jit", "aot", "load")
_COMPONENTS: tuple[Component, ...] = ("encoder", "language_model")
_MODES: tuple[Mode, ...] = ("full", "none", "stock")
_FULL: tuple[Mode, ...] = ("full",)
_CENT = 10_000
"""Microseconds of the last digit that is logged."""

DURATIONS: st.SearchStrategy[int] = st.one_of(
    st.integers(1, 3 * _CENT),
    st.integers(1, 9_000_000),
    st.sampled_from([1_000_000, _CENT, _CENT // 2, 0]),
).map(int)  # one choice: a union inside another would leave little chance to what stands beside it
"""Microseconds of one step; equal ones, whole seconds, halves of the last digit that is logged, and nothing at all."""


@dataclass(frozen=True)
class _Kind:
    """Which compiles are drawn."""

    depth: int = 1
    workers: int = 1
    fails: bool = False
    failed_loads: bool = False
    first_runs: bool = False


@st.composite
def _compiles(draw: st.DrawFn, kind: _Kind) -> Compile:
    path = draw(st.sampled_from(_PATHS), label="path")
    step: st.SearchStrategy[int | Compile] = DURATIONS
    if kind.depth > 1:
        step = st.one_of(DURATIONS, _compiles(replace(kind, depth=kind.depth - 1)))
    steps = st.lists(step, min_size=1, max_size=2 if kind.depth == 1 else 3)
    fails = kind.fails and draw(st.integers(0, 3), label="fails") == 3
    # Drawn for every path: a path that took fewer choices would not shrink to one that takes more.
    failed_load = draw(st.none() | DURATIONS, label="failed load") if kind.failed_loads else None
    return Compile(
        path=path,
        component=draw(st.sampled_from(_COMPONENTS), label="component"),
        worker=draw(st.integers(0, kind.workers - 1), label="worker"),
        steps=tuple(draw(steps, label="steps")),
        fails=fails,
        caught=not (kind.fails and draw(st.booleans(), label="uncaught")),
        failed_load=None if path == "load" else failed_load,
        first_run=draw(st.just(0) | DURATIONS, label="first run") if kind.first_runs else 0,
    )


def _threads(kind: _Kind, *, most: int) -> st.SearchStrategy[tuple[Compile, ...]]:
    return st.lists(_compiles(kind), min_size=1, max_size=most).map(tuple)


def _modes(workers: int) -> st.SearchStrategy[tuple[Mode, ...]]:
    return st.lists(st.sampled_from(_MODES), min_size=workers, max_size=workers).map(tuple)


@st.composite
def _wrapped(draw: st.DrawFn, inner: Compile, kind: _Kind, *, least: int = 0, most: int = 2) -> Compile:
    """The compile inside so many others, among their other steps."""
    for level in range(draw(st.integers(least, most), label="wraps")):
        outer = draw(_compiles(kind), label=f"around it, {level}")
        place = draw(st.integers(0, len(outer.steps)), label="place")
        inner = replace(outer, steps=(*outer.steps[:place], inner, *outer.steps[place:]))
    return inner


@st.composite
def timelines(draw: st.DrawFn, space: Space) -> Timeline:
    """One thread, up to three workers of any mode, and compiles of every kind up to four deep."""
    workers = draw(st.integers(1, 3), label="workers")
    modes = (*_FULL, *draw(_modes(workers - 1), label="modes"))
    kind = _Kind(depth=2, workers=workers, fails=True, failed_loads=True, first_runs=True)
    each = _compiles(kind).flatmap(lambda inner: _wrapped(inner, kind))
    return Timeline(
        space.family.name, modes, (draw(st.lists(each, min_size=1, max_size=2).map(tuple), label="thread"),)
    )


@st.composite
def crowds(draw: st.DrawFn, space: Space) -> Timeline:
    """Two or three threads that take turns; each has a worker of its own, or all share one."""
    count = draw(st.integers(2, 3), label="threads")
    shared = draw(st.booleans(), label="shared worker")
    kind = _Kind(depth=2, fails=True, failed_loads=True, first_runs=True)
    threads = [draw(_threads(kind, most=2), label=f"thread {number}") for number in range(count)]
    if not shared:
        threads = [tuple(_moved(each, number) for each in thread) for number, thread in enumerate(threads)]
    turns = draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=6).map(tuple), label="turns")
    return Timeline(space.family.name, _FULL * (1 if shared else count), tuple(threads), turns)


def _moved(each: Compile, worker: int) -> Compile:
    steps = tuple(step if isinstance(step, int) else _moved(step, worker) for step in each.steps)
    return replace(each, worker=worker, steps=steps)


@st.composite
def nests(draw: st.DrawFn, space: Space) -> Timeline:
    """Compiles two to four deep, none of which fails: all time is compile time, and all of it counts."""
    workers = draw(st.integers(1, 2), label="workers")
    kind = _Kind(workers=workers)
    nest = draw(_wrapped(draw(_compiles(kind), label="innermost"), kind, least=1, most=DEEPEST - 1))
    rest = draw(st.lists(_compiles(kind), max_size=1), label="rest")
    return Timeline(space.family.name, _FULL * workers, ((nest, *rest),))


@st.composite
def guests(draw: st.DrawFn, space: Space) -> Timeline:
    """A compile of one worker, whose mode counts nothing, somewhere inside one of a worker in mode full."""
    guest = replace(draw(_compiles(_Kind()), label="guest"), worker=1)
    host = draw(_wrapped(guest, _Kind(workers=2), least=1))
    mode = draw(st.sampled_from(_MODES[1:]), label="mode")
    return Timeline(space.family.name, (*_FULL, mode), ((replace(host, worker=0),),))


@st.composite
def flat_compiles(draw: st.DrawFn, space: Space) -> Timeline:
    """Compiles one after the other on every path, with first runs and without a failure."""
    return Timeline(space.family.name, threads=(draw(_threads(_Kind(first_runs=True), most=4), label="thread"),))


@st.composite
def failing_compiles(draw: st.DrawFn, space: Space) -> Timeline:
    """One compile that fails, with or without compiles in it and around it, and others after it."""
    kind = _Kind(depth=2, fails=True)
    failing = draw(_compiles(_Kind()), label="failing")
    inside = tuple(draw(st.lists(_compiles(_Kind()), max_size=2), label="inside"))
    caught = not draw(st.booleans(), label="uncaught")
    path = draw(st.sampled_from((failing.path, _PATHS[-1])), label="path")
    failing = replace(failing, path=path, steps=failing.steps + inside, fails=True, caught=caught)
    first = draw(_wrapped(failing, _Kind()))
    return Timeline(space.family.name, threads=((first, *draw(st.lists(_compiles(kind), max_size=2), label="rest")),))


@st.composite
def failed_loads(draw: st.DrawFn, space: Space) -> Timeline:
    """Nested compiles that succeed, many of them after a load that failed; the first has one."""
    first, *rest = draw(_threads(_Kind(depth=2, failed_loads=True), most=3), label="thread")
    path = draw(st.sampled_from(_PATHS[:2]), label="path")
    lost = draw(DURATIONS, label="first failed load")
    first = replace(first, path=path, failed_load=lost, misfit=draw(st.booleans(), label="first misfit"))
    return Timeline(space.family.name, threads=((first, *rest),))


@st.composite
def fleets(draw: st.DrawFn, space: Space) -> Timeline:
    """Two or three workers in one thread, by turns, each in a mode of its own."""
    workers = draw(st.integers(2, 3), label="workers")
    kind = _Kind(depth=2, fails=True, failed_loads=True, first_runs=True)
    drawn = draw(st.lists(_compiles(kind), min_size=2, max_size=4), label="thread")
    thread = tuple(_moved(each, number % workers) for number, each in enumerate(drawn))
    return Timeline(space.family.name, draw(_modes(workers), label="modes"), (thread,))


def flat(timeline: Timeline) -> Timeline:
    """The same compiles one after the other in one thread, none inside another."""
    apart = (each for outer in timeline.compiles() for each in _apart(outer))
    return replace(timeline, threads=(tuple(apart),), turns=(0,))


def _apart(each: Compile) -> list[Compile]:
    own = replace(each, steps=tuple(step for step in each.steps if isinstance(step, int)) or (0,))
    return [own, *(found for inner in each.nested() for found in _apart(inner))]


def _scoped(strategy: Callable[[Space], st.SearchStrategy[Timeline]]) -> Callable[[Space], st.SearchStrategy[Timeline]]:
    """The strategy, as far as a column wants it."""

    def of(space: Space) -> st.SearchStrategy[Timeline]:
        return strategy(space).map(flat) if space.capabilities.flat_compiles else strategy(space)

    return of


TIMELINES: dict[str, Callable[[Space], st.SearchStrategy[Timeline]]] = {
    "timelines": _scoped(timelines),
    "crowds": _scoped(crowds),
    "nests": _scoped(nests),
    "guests": _scoped(guests),
    "flat_compiles": _scoped(flat_compiles),
    "failing_compiles": _scoped(failing_compiles),
    "failed_loads": _scoped(failed_loads),
    "fleets": _scoped(fleets),
}

TimelineLabel = Callable[[Timeline], bool]


def _every(timeline: Timeline) -> list[tuple[Compile, Compile | None]]:
    """Every compile, with the one around it."""
    waiting: list[tuple[Compile, Compile | None]] = [(each, None) for each in timeline.compiles()]
    found = []
    while waiting:
        each, outer = waiting.pop()
        found.append((each, outer))
        waiting += [(inner, each) for inner in each.nested()]
    return found


def _depth(each: Compile) -> int:
    return 1 + max(map(_depth, each.nested()), default=0)


def _any(is_in: Callable[[Compile], bool]) -> TimelineLabel:
    return lambda timeline: any(is_in(each) for each, _ in _every(timeline))


def _nested(is_in: Callable[[Compile, Compile], bool]) -> TimelineLabel:
    return lambda timeline: any(outer is not None and is_in(each, outer) for each, outer in _every(timeline))


def _steps(each: Compile) -> list[int]:
    return [step for step in each.steps if isinstance(step, int)]


TIMELINE_LABELS: dict[str, TimelineLabel] = {
    "load": _any(lambda each: each.path == "load"),
    "aot": _any(lambda each: each.path == "aot"),
    "jit": _any(lambda each: each.path == "jit"),
    "fails": _any(lambda each: each.fails),
    "load-interrupted": _any(lambda each: each.fails and each.path == "load"),
    "caught-inside": _nested(lambda each, _outer: each.fails and each.caught),
    "uncaught-inside": _nested(lambda each, _outer: each.fails and not each.caught),
    "failed-load": _any(lambda each: each.failed_load is not None),
    "misfit": _any(lambda each: each.misfit),
    "first-run-outside": _any(lambda each: each.path != "jit" and each.first_run > 0),
    "first-run-inside": _any(lambda each: each.path == "jit" and each.first_run > 0),
    "encoder-in-language-model": _nested(lambda each, outer: (each.component, outer.component) == _COMPONENTS),
    "language-model-in-encoder": _nested(lambda each, outer: (outer.component, each.component) == _COMPONENTS),
    "nested-in-its-own-kind": _nested(lambda each, outer: each.component == outer.component),
    "worker-in-worker": _nested(lambda each, outer: each.worker != outer.worker),
    "three-deep": _any(lambda each: _depth(each) >= 3),
    "four-deep": _any(lambda each: _depth(each) >= 4),
    "several-workers": lambda timeline: len({each.worker for each, _ in _every(timeline)}) > 1,
    "several-threads": lambda timeline: len(timeline.threads) > 1,
    "shared-worker": lambda timeline: len(timeline.threads) > len(timeline.modes),
    "turns-alternate": lambda timeline: len(timeline.threads) > 1 and len(set(timeline.turns)) > 1,
    "mode-none": lambda timeline: any(timeline.modes[each.worker] == "none" for each, _ in _every(timeline)),
    "mode-stock": lambda timeline: any(timeline.modes[each.worker] == "stock" for each, _ in _every(timeline)),
    "no-time": _any(lambda each: 0 in _steps(each)),
    "equal-times": _any(lambda each: len(_steps(each)) > len(set(_steps(each)))),
    "same-counter-twice": lambda timeline: (
        len(_every(timeline)) > len({(e.worker, e.component) for e, _ in _every(timeline)})
    ),
}
"""Classes of timelines that must occur, decided from the timeline alone."""
