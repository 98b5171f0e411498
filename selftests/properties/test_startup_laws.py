"""Every law on starts on a benchmark that is not the reference's: an honest one, and broken ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from selftests.properties.broken_benchmarks import BROKEN_BENCHMARKS
from selftests.properties.hunting import hunt, ids_of
from selftests.properties.measuring_stranger import Measures, Stranger
from suite.contract.judge import judge
from suite.contract.sheets import StartupSheet
from suite.contract.startup_case import Failing, ScriptedStart, StartupCase
from suite.contract.subject import Capabilities
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.search import Found
from suite.driver.ticket import guarded
from suite.properties import real_starts, startup, startup_caches

OURS = ids_of(startup, startup_caches, real_starts)


def _search(law_id: str, measures: type[Measures], *, examples: int) -> Found:
    """Holds one law against a stranger."""
    return hunt(law_id, Stranger(measures), examples=examples)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A benchmark that shares nothing with the reference, and tells fewer metrics with fewer digits, satisfies all."""
    found = _search(law_id, Measures, examples=8)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    found = _search(law_id, BROKEN_BENCHMARKS[law_id], examples=40)
    violation = found.verdict.violation
    assert violation is not None, found.verdict
    assert violation.because
    assert violation.expected != violation.actual
    assert "raised" not in violation.actual


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_BENCHMARKS) == set(OURS)


@pytest.mark.parametrize("measures", [Measures, BROKEN_BENCHMARKS["real_starts/cold-compiles-and-warm-loads"]])
def test_real_starts_are_tabled(measures: type[Measures]) -> None:
    """The report can draw them whether the law holds or not."""
    none = ScriptedStart()
    case = StartupCase("toy", (none, none), none, (none,), encoder=False)
    sheet = judge(LAWS["real_starts/cold-compiles-and-warm-loads"], case, guarded(Stranger(measures))).sheet
    assert isinstance(sheet, StartupSheet)
    assert [(phase.phase, len(phase.starts)) for phase in sheet.phases] == [("cold", 2), ("warm", 1)]
    assert sheet.phases[0].starts[0].seconds == 3.0
    assert sheet.note == "toy, encoders stay eager"


class _Dies(Stranger):
    """Its real starts end the interpreter."""

    def real_start(self, *_: object, **__: object) -> None:  # type: ignore[override]  # whatever it is asked
        """Ends the process."""
        raise SystemExit(7)


class _Missing(Stranger):
    """Declares what it does not have."""

    benchmark = None  # type: ignore[assignment]  # that is the point


def test_a_start_that_ends_the_interpreter_is_a_violation() -> None:
    """In its own process, so that the law goes on."""
    case = StartupCase("toy")
    verdict = judge(LAWS["real_starts/encoder-is-counted-as-asked"], case, guarded(_Dies()))
    assert verdict.violation is not None
    assert verdict.violation.actual == "real_start raised SystemExit: 7"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"seconds": float("nan")}, "seconds=nan"),
        ({"compiles": -1}, "compiles=-1"),
        ({"init": float("inf")}, "init=inf"),
    ],
)
def test_facts_that_are_no_measurements_are_a_violation(facts: dict[str, Any], said: str) -> None:
    """Not finite, or below zero: named with the value."""

    class Wrong(Measures):
        """Says something that nobody measured."""

        real = staticmethod(lambda cache, *, encoder: replace(Measures.real(cache, encoder=encoder), **facts))

    verdict = judge(LAWS["real_starts/encoder-is-counted-as-asked"], StartupCase("toy"), guarded(Stranger(Wrong)))
    assert verdict.violation is not None
    assert said in verdict.violation.actual


def test_a_subject_without_its_facet_is_a_broken_adapter() -> None:
    """Nothing can be said of it."""
    verdict = judge(LAWS["startup/statistics-are-exact"], StartupCase("toy"), guarded(_Missing()))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason == "adapter broken: stranger declares a startup benchmark, but has no `benchmark`"


def test_without_the_promise_failures_are_not_asked_about() -> None:
    """A benchmark that ends with its first failure is held to the other laws."""
    less = Capabilities(startup_benchmark=True)
    left_out = {law_id for law_id in OURS if LAWS[law_id].missing(less)}
    assert {"startup/failure-is-told", "startup/failure-keeps-measurements"} <= left_out
    assert "startup/statistics-are-exact" not in left_out


def test_a_missing_file_is_a_violation() -> None:
    """Whatever the law wants to read in it."""

    class Silent(Measures):
        """Writes nothing."""

        def write(self, text: str) -> None:
            """Keeps it to itself."""

    case = StartupCase("toy", failing=Failing(1))
    verdict = judge(LAWS["startup/failure-keeps-measurements"], case, guarded(Stranger(Silent)))
    assert verdict.violation is not None
    assert verdict.violation.actual == "there is no file of results"
