"""Every drawn timeline can be run as it stands, is read back from its JSON, and keeps to its strategy's promise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings

from models.families import family
from selftests.strategies.timeline_draws import draw_timelines
from suite.contract.kinds import read_case
from suite.contract.subject import Capabilities
from suite.contract.timeline import Compile, Timeline
from suite.strategies.cases import Space
from suite.strategies.catalogue import STRATEGIES
from suite.strategies.timelines import DEEPEST, TIMELINES, flat


def _every(compiles: Iterator[Compile], *, depth: int = 1) -> Iterator[tuple[Compile, int]]:
    for each in compiles:
        yield each, depth
        yield from _every(each.nested(), depth=depth + 1)


def _check(timeline: Timeline) -> None:
    assert timeline.threads
    assert all(timeline.threads)
    for each, depth in _every(timeline.compiles()):
        assert depth <= DEEPEST
        assert 0 <= each.worker < len(timeline.modes)
        assert each.steps
        assert each.path != "load" or each.failed_load is None
        assert min(each.first_run, each.failed_load or 0, *(s for s in each.steps if isinstance(s, int)), 0) >= 0


@pytest.mark.parametrize("strategy", TIMELINES)
def test_timelines_are_valid(strategy: str) -> None:
    """At least one compile in each thread, workers that exist, no time below nothing, at most four deep."""
    for timeline in draw_timelines(strategy):
        _check(timeline)


@pytest.mark.parametrize("strategy", TIMELINES)
def test_timelines_survive_json(strategy: str) -> None:
    """What is written into a case file is read back as the same timeline."""
    for timeline in draw_timelines(strategy, examples=30):
        assert read_case(json.loads(timeline.to_json())) == timeline


def _compiles(timeline: Timeline) -> list[Compile]:
    return [each for each, _ in _every(timeline.compiles())]


PROMISES: dict[str, Callable[[Timeline], bool]] = {
    "timelines": lambda case: len(case.threads) == 1 and case.modes[0] == "full",
    "crowds": lambda case: len(case.threads) in (2, 3) and set(case.modes) == {"full"},
    "nests": lambda case: not any(each.fails or each.failed_load or each.first_run for each in _compiles(case)),
    "guests": lambda case: case.modes[0] == "full" != case.modes[1],
    "flat_compiles": lambda case: not any(each.fails or list(each.nested()) for each in _compiles(case)),
    "failing_compiles": lambda case: any(each.fails for each in _compiles(case)) and case.modes == ("full",),
    "failed_loads": lambda case: not any(each.fails for each in _compiles(case)),
    "fleets": lambda case: not any(inner.worker != each.worker for each in _compiles(case) for inner in each.nested()),
}


@pytest.mark.parametrize("strategy", PROMISES)
def test_a_strategy_keeps_its_promise(strategy: str) -> None:
    """What laws rely on holds for each draw."""
    assert all(PROMISES[strategy](case) for case in draw_timelines(strategy))


def test_laws_can_ask_for_every_strategy() -> None:
    """All of them are in the catalogue, and each has a promise here."""
    assert {STRATEGIES[name] for name in TIMELINES} == set(TIMELINES.values())
    assert set(PROMISES) == set(TIMELINES)


@pytest.mark.parametrize("strategy", TIMELINES)
def test_a_column_may_ask_for_flat_timelines(strategy: str) -> None:
    """Flat ones have the compiles of any timeline, none inside another, in one thread."""
    for nested in draw_timelines(strategy):
        apart = flat(nested)
        assert len(apart.threads) == 1
        assert not any(list(each.nested()) for each in apart.compiles())
        assert sum(each.count() for each in apart.compiles()) == sum(each.count() for each in nested.compiles())
        assert sum(each.microseconds() for each in apart.compiles()) == sum(e.microseconds() for e in nested.compiles())


@given(TIMELINES["timelines"](Space(family("toy"), Capabilities(ledger=True, flat_compiles=True))))
@settings(database=None, derandomize=True, max_examples=50)
def test_a_column_of_flat_compiles_is_given_flat_timelines(timeline: Timeline) -> None:
    """What the capability asks for is drawn."""
    _check(timeline)
    assert timeline == flat(timeline)
