"""Runs of the startup benchmark: how many starts, what each says of itself, and which one goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from suite.contract.startup_case import Failing, How, ScriptedStart, StartupCase
from suite.strategies.cases import Space

MOST_COLD = 4
"""Starts of one phase: two have something between them, three a middle, four places that no percentile is at."""
CENT = 10_000
"""Microseconds of the last digit that is printed."""
_WAYS: tuple[How, ...] = ("raises", "interrupted")

TIMES: st.SearchStrategy[int] = st.one_of(
    st.integers(0, 20_000_000),
    st.sampled_from([0, 1, CENT // 2, CENT, 1_000_000, 999_999_999_999, 10**13]),
    st.integers(1, CENT),
).map(int)
"""Microseconds of a part of a start: none, one alone, halves of what is printed, and a hundred days."""
_ABOVE_ZERO = TIMES.filter(bool)
_SCRIPTS: st.SearchStrategy[ScriptedStart] = st.builds(
    ScriptedStart, TIMES, TIMES, TIMES, TIMES, st.integers(0, 4), st.integers(0, 4)
)
_PHASES = st.lists(_SCRIPTS, min_size=1, max_size=MOST_COLD).map(tuple)


@st.composite
def startups(draw: st.DrawFn, space: Space) -> StartupCase:
    """One to four starts of each phase, of any times; often one start's are another's."""
    cold, warm = draw(_PHASES, label="cold"), draw(_PHASES, label="warm")
    if draw(st.booleans(), label="equal"):
        cold = (cold[0],) * len(cold)
    return StartupCase(space.name, cold, draw(_SCRIPTS, label="fill"), warm)


@st.composite
def encoder_seconds(draw: st.DrawFn, space: Space) -> StartupCase:
    """Encoder seconds in no start, in one alone, in all but one, or in the one that is not measured."""
    case = draw(startups(space), label="case")
    count = len(case.cold) + len(case.warm)
    kind = draw(
        st.sampled_from(["one", "none", "one", "all but one", "one", "fill alone"]), label="who has encoder seconds"
    )
    place = draw(st.integers(0, count - 1), label="which one")
    time = draw(_ABOVE_ZERO | st.just(1), label="encoder seconds")
    have = {"one": {place}, "all but one": set(range(count)) - {place}}.get(kind, set())
    measured = [replace(each, encoder=time * (at in have)) for at, each in enumerate((*case.cold, *case.warm))]
    fill = replace(case.fill, encoder=time * (kind == "fill alone"))
    cold, warm = tuple(measured[: len(case.cold)]), tuple(measured[len(case.cold) :])
    return replace(case, cold=cold, fill=fill, warm=warm)


def _failing(case: StartupCase, *ways: How) -> st.SearchStrategy[Failing]:
    """The first start, the last, the one that fills the cache, or any."""
    last = len(case.cold) + len(case.warm)
    places = st.sampled_from([0, last, len(case.cold)]) | st.integers(0, last)
    return st.builds(Failing, places, st.sampled_from(ways))


@st.composite
def failing_startups(draw: st.DrawFn, space: Space) -> StartupCase:
    """A start of any phase raises, or is interrupted."""
    case = draw(startups(space), label="case")
    return replace(case, failing=draw(_failing(case, *_WAYS), label="failing"))


def any_startups(space: Space) -> st.SearchStrategy[StartupCase]:
    """Runs that succeed, and runs in which a start goes wrong."""
    return st.one_of(startups(space), failing_startups(space))


@st.composite
def full_disks(draw: st.DrawFn, space: Space) -> StartupCase:
    """From some start on nothing can be written: mostly not the first, so that there is a file to spoil."""
    case = draw(startups(space), label="case")
    last = len(case.cold) + len(case.warm)
    return replace(case, full=draw(st.sampled_from([last, 0, last]) | st.integers(0, last), label="full from"))


@st.composite
def process_startups(draw: st.DrawFn, space: Space) -> StartupCase:
    """One or two starts of each phase in processes of their own, one of which may raise or be killed."""
    case = draw(startups(space), label="case")
    case = replace(case, cold=case.cold[:2], warm=case.warm[:2], processes=True)
    return replace(case, failing=draw(st.none() | _failing(case, "raises", "dies"), label="failing"))


@st.composite
def real_starts(draw: st.DrawFn, space: Space) -> StartupCase:
    """Two cold starts and one or two warm ones, with and without encoders."""
    none = ScriptedStart()
    warm = (none,) * draw(st.integers(1, 2), label="warm")
    return StartupCase(
        space.name, (none, none), none, warm, encoder=draw(st.just(True) | st.booleans(), label="encoder")
    )


STARTUPS: dict[str, Callable[[Space], st.SearchStrategy[StartupCase]]] = {
    "startups": startups,
    "encoder_seconds": encoder_seconds,
    "failing_startups": failing_startups,
    "any_startups": any_startups,
    "full_disks": full_disks,
    "process_startups": process_startups,
    "real_starts": real_starts,
}

StartupLabel = Callable[[StartupCase], bool]


def _measured(case: StartupCase) -> tuple[ScriptedStart, ...]:
    return (*case.cold, *case.warm)


def _with_encoder(starts: tuple[ScriptedStart, ...]) -> int:
    return sum(bool(each.encoder) for each in starts)


def _times(case: StartupCase) -> list[int]:
    return [time for each in _measured(case) for time in (each.startup, each.init, each.language_model, each.encoder)]


def _fails_at(place: Callable[[StartupCase], int]) -> StartupLabel:
    return lambda case: case.failing is not None and case.failing.start == place(case)


def _way(how: How) -> StartupLabel:
    return lambda case: case.failing is not None and case.failing.how == how


STARTUP_LABELS: dict[str, StartupLabel] = {
    "no-encoder": lambda case: not _with_encoder(_measured(case)),
    "encoder-in-fill-alone": lambda case: case.fill.encoder > 0 and not _with_encoder(_measured(case)),
    "encoder-in-one-cold": lambda case: (_with_encoder(case.cold), _with_encoder(case.warm)) == (1, 0),
    "encoder-in-one-warm": lambda case: (_with_encoder(case.cold), _with_encoder(case.warm)) == (0, 1),
    "encoder-in-all-but-one": lambda case: 0 < _with_encoder(_measured(case)) == len(_measured(case)) - 1,
    "encoder-below-a-cent": lambda case: 0 < max(each.encoder for each in _measured(case)) < CENT // 2,
    "one-of-each": lambda case: len(case.cold) == len(case.warm) == 1,
    "unequal-counts": lambda case: len(case.cold) != len(case.warm),
    "several-cold": lambda case: len(case.cold) > 1,
    "several-warm": lambda case: len(case.warm) > 1,
    "equal-cold": lambda case: len(case.cold) > 1 and len({each.startup for each in case.cold}) == 1,
    "unsorted": lambda case: [each.startup for each in case.cold] != sorted(each.startup for each in case.cold),
    "tiny-times": lambda case: any(0 < time < CENT // 2 for time in _times(case)),
    "huge-times": lambda case: max(_times(case)) > 10**11,
    "halves-of-a-cent": lambda case: any(time % CENT == CENT // 2 for time in _times(case)),
    "first-fails": _fails_at(lambda _case: 0),
    "fill-fails": _fails_at(lambda case: len(case.cold)),
    "last-fails": _fails_at(lambda case: len(case.cold) + len(case.warm)),
    "middle-cold-fails": lambda case: case.failing is not None and 0 < case.failing.start < len(case.cold),
    "raises": _way("raises"),
    "interrupted": _way("interrupted"),
    "dies": _way("dies"),
    "none-fails": lambda case: case.failing is None,
    "full-from-the-start": lambda case: case.full == 0,
    "full-later": lambda case: (case.full or 0) > 0,
    "processes": lambda case: case.processes,
    "encoders-stay-eager": lambda case: not case.encoder,
}
"""Classes of runs that must occur, decided from the case alone."""
