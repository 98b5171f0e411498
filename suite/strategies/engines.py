"""Starts of an engine: ranks that compile much or little, nothing at all, and workers that go wrong at each stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from suite.contract.engine_case import (
    ENGINE_STAGES,
    RUBBISH,
    SILENT,
    EngineCase,
    EngineStage,
    EngineStart,
    RankCompile,
    RankScript,
    Trouble,
    TroubleKind,
)
from suite.contract.program import COMPONENTS, Component, Mode
from suite.strategies.cases import Space

MOST_RANKS = 4
PROCESS_RANKS = (2, 4)
SHORT = 6
"""Seconds that a start may take if a worker hangs in it: the case waits for them."""
_CENT = 10_000
"""Microseconds of the last digit that is logged."""
_STAGES: tuple[EngineStage, ...] = ("compile", "capture")
_LOUD: tuple[TroubleKind, ...] = ("raises", "exits", "dies")
_MODES: tuple[Mode, ...] = ("full", "none", "stock")

DURATIONS: st.SearchStrategy[int] = st.one_of(
    st.integers(1, 9_000_000),
    st.integers(1, 3 * _CENT),
    st.sampled_from([_CENT // 2 - 1, _CENT // 2, _CENT, 1_000_000]),
).map(int)  # one choice: a union inside another would leave little chance to what stands beside it
"""Microseconds of one piece of work; some are printed as 0.00 s."""


@st.composite
def _scripts(draw: st.DrawFn, *, components: tuple[Component, ...] = COMPONENTS, mode: Mode = "full") -> RankScript:
    """One rank with compiles of these components only; it may have none."""
    each = st.builds(RankCompile, st.sampled_from(components), DURATIONS, st.sampled_from(_STAGES))
    return RankScript(
        tuple(draw(st.lists(each, max_size=3), label="compiles")),
        build=draw(st.one_of(st.just(0), DURATIONS), label="build"),
        other=draw(st.one_of(st.just(0), DURATIONS), label="other"),
        mode=mode,
    )


@st.composite
def _any_start(draw: st.DrawFn, *, least: int = 1, most: int = MOST_RANKS) -> EngineStart:
    """Ranks of every kind: of both components or one, of other modes."""
    kinds = st.one_of(
        _scripts(),
        _scripts(components=COMPONENTS[:1]),
        _scripts(components=COMPONENTS[1:]),
        st.sampled_from(_MODES[1:]).flatmap(lambda mode: _scripts(mode=mode)),
    )
    return EngineStart(tuple(draw(st.lists(kinds, min_size=least, max_size=most), label="ranks")))


@st.composite
def _one_component(draw: st.DrawFn) -> EngineStart:
    """All ranks compile one component alone."""
    mine = (draw(st.sampled_from(COMPONENTS), label="component"),)
    return EngineStart(tuple(draw(st.lists(_scripts(components=mine), min_size=1, max_size=3), label="ranks")))


@st.composite
def _crossed(draw: st.DrawFn, *, ranks: tuple[int, ...] = (2, 3, 4)) -> EngineStart:
    """One rank is the slowest in the language model, another one in the encoder; the rest compile less."""
    count = draw(st.sampled_from(ranks), label="ranks")
    small = draw(st.lists(st.integers(1, 2 * _CENT), min_size=2 * count, max_size=2 * count), label="small")
    large = [max(small) + draw(DURATIONS, label="large") for _ in COMPONENTS]
    first, second = draw(st.permutations(range(count)), label="slowest")[:2]
    times = [[small[2 * rank], small[2 * rank + 1]] for rank in range(count)]
    times[first][0], times[second][1] = large
    stage = draw(st.sampled_from(_STAGES), label="stage")
    return EngineStart(tuple(_rank_of(pair, stage) for pair in times))


def _rank_of(pair: list[int], stage: EngineStage) -> RankScript:
    return RankScript(
        tuple(RankCompile(name, microseconds, stage) for name, microseconds in zip(COMPONENTS, pair, strict=True))
    )


@st.composite
def _tied(draw: st.DrawFn) -> EngineStart:
    """Equal ranks, or ranks with equal totals of other parts."""
    script = draw(_scripts(), label="script")
    turned = tuple(
        replace(each, component=COMPONENTS[1 - COMPONENTS.index(each.component)]) for each in script.compiles
    )
    return EngineStart((script, draw(st.sampled_from([script, replace(script, compiles=turned)]), label="other")))


@st.composite
def _tiny(draw: st.DrawFn) -> EngineStart:
    """Compiles that are printed as 0.00 s, of one component or both."""
    times = draw(st.lists(st.integers(1, _CENT // 2 - 1), min_size=1, max_size=2), label="times")
    names = draw(st.permutations(COMPONENTS), label="components")
    return EngineStart((RankScript(tuple(map(RankCompile, names, times))),))


@st.composite
def _idle(draw: st.DrawFn) -> EngineStart:
    """Ranks that compile nothing, or whose mode counts nothing."""
    nothing = _scripts().map(lambda script: replace(script, compiles=()))
    uncounted = st.sampled_from(_MODES[1:]).flatmap(lambda mode: _scripts(mode=mode))
    ranks = draw(st.lists(st.one_of(nothing, uncounted), min_size=1, max_size=3), label="ranks")
    return EngineStart(tuple(ranks))


def _starts() -> st.SearchStrategy[EngineStart]:
    return st.one_of(_any_start(), _crossed(), _one_component(), _tied(), _crossed(), _tiny(), _idle())


def _first_starts(space: Space) -> st.SearchStrategy[EngineStart]:
    """Of the first start; over no ranks, the counters of an earlier one would rightly stay."""
    without = [st.just(EngineStart())] if space.capabilities.engine_without_ranks else []
    return st.one_of(_starts(), *without, *without)


@st.composite
def engine_starts(draw: st.DrawFn, space: Space) -> EngineCase:
    """One start or two, of every kind."""
    first = draw(_first_starts(space), label="start")
    second = draw(st.lists(_starts(), max_size=1), label="another start")
    return EngineCase(space.family.name, (first, *second))


@st.composite
def idle_engines(draw: st.DrawFn, space: Space) -> EngineCase:
    """Starts in which nothing compiles, the first of them or not, around one that does."""
    without = [st.just(EngineStart())] if space.capabilities.engine_without_ranks else []
    first = draw(st.lists(st.one_of(_idle(), *without), max_size=1), label="first")
    return EngineCase(space.family.name, (*first, draw(_starts(), label="busy"), draw(_idle(), label="idle")))


@st.composite
def crossed_engines(draw: st.DrawFn, space: Space) -> EngineCase:
    """Maxima of two ranks, and sometimes a start before or after in which one rank has both."""
    others = st.lists(st.one_of(_any_start(), _tied()), max_size=1)
    before, after = draw(others, label="before"), draw(others, label="after")
    return EngineCase(space.family.name, (*before, draw(_crossed(), label="crossed"), *after))


def _with_trouble(start: EngineStart, rank: int, trouble: Trouble) -> EngineStart:
    ranks = list(start.ranks)
    ranks[rank] = replace(ranks[rank], trouble=trouble)
    return EngineStart(tuple(ranks), SHORT if trouble.what in SILENT else start.limit)


def troubled(*kinds: TroubleKind) -> Callable[[Space], st.SearchStrategy[EngineCase]]:
    """A start in which one rank goes wrong, between others that do not."""

    @st.composite
    def drawn(draw: st.DrawFn, space: Space) -> EngineCase:
        start = draw(st.one_of(_any_start(), _crossed()), label="start")
        trouble = Trouble(draw(st.sampled_from(kinds), label="what"), draw(st.sampled_from(ENGINE_STAGES)))
        rank = draw(st.sampled_from(range(len(start.ranks))[::-1]), label="rank")
        before = draw(st.lists(_starts(), max_size=1), label="before")
        after = draw(st.one_of(_starts(), _tiny(), _idle()), label="after")
        return EngineCase(space.family.name, (*before, _with_trouble(start, rank, trouble), after))

    return drawn


@st.composite
def process_engines(draw: st.DrawFn, space: Space) -> EngineCase:
    """Two or four processes with maxima of two ranks."""
    start = draw(_crossed(ranks=PROCESS_RANKS), label="start")
    return EngineCase(space.family.name, (start,), in_processes=True)


def _turned(first: int) -> tuple[Trouble, ...]:
    """Each way to fail that shows at once, each in another stage."""
    stages = ENGINE_STAGES[first:] + ENGINE_STAGES[:first]
    return tuple(map(Trouble, _LOUD, stages))


@st.composite
def lost_workers(draw: st.DrawFn, space: Space) -> EngineCase:
    """Two or four processes: in each stage one is lost, one may hang or stop, and then a start ends well.

    What is drawn is small, and one case has many starts: they cost real time. The first of each table is what has most
    to show, since that case is drawn first: a process that is stopped, and a worker with a process of its own.
    """
    count = draw(st.sampled_from(PROCESS_RANKS), label="ranks")
    rank, child = (
        draw(st.sampled_from((0, count - 1)), label="lost"),
        draw(st.sampled_from((0, 1, None)), label="child"),
    )
    good = EngineStart(
        tuple(
            replace(_rank_of([20_000 - number, number + 1], "compile"), has_child=number == child)
            for number in range(count)
        )
    )
    silent = [(Trouble(what, stage),) for what in SILENT[::-1] for stage in ENGINE_STAGES]
    troubles = [
        *_turned(draw(st.integers(0, 2), label="first stage")),
        *draw(st.sampled_from([*silent, (), ()]), label="silent"),
        Trouble(draw(st.sampled_from(RUBBISH), label="rubbish")),
    ]
    lost = [_with_trouble(good, rank, trouble) for trouble in troubles]
    return EngineCase(space.family.name, (*lost, good), in_processes=True)


ENGINES: dict[str, Callable[[Space], st.SearchStrategy[EngineCase]]] = {
    "engine_starts": engine_starts,
    "idle_engines": idle_engines,
    "crossed_engines": crossed_engines,
    "failing_engines": troubled("raises"),
    "rubbish_engines": troubled(*RUBBISH),
    "process_engines": process_engines,
    "lost_workers": lost_workers,
}
