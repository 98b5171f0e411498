"""Every law of the ledger on a stranger: held by an honest one, broken by one that does its one thing wrongly."""

from __future__ import annotations

import pytest

from selftests.properties.broken_timekeepers import BROKEN_TIMEKEEPERS, MISSHAPEN
from selftests.properties.hunting import hunt
from selftests.properties.timekeeper import Timekeeper, Times
from suite.contract.judge import judge
from suite.contract.timeline import Compile, Timeline
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.search import Found
from suite.driver.ticket import guarded

LEDGER_LAWS = [law_id for law_id, law in LAWS.items() if law.kind is Timeline]


def _search(law_id: str, times: type[Times], *, examples: int) -> Found:
    return hunt(law_id, Timekeeper(times), examples=examples)


@pytest.mark.parametrize("law_id", LEDGER_LAWS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """An implementation that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, Times, examples=60)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 30


@pytest.mark.parametrize("law_id", LEDGER_LAWS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    found = _search(law_id, BROKEN_TIMEKEEPERS[law_id], examples=60)
    violation = found.verdict.violation
    assert violation is not None, found.verdict
    assert violation.because
    assert violation.expected != violation.actual
    assert "raised" not in violation.actual or law_id == "ledger/failures-pass-unchanged"


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs times that it catches; no times are left without their law."""
    assert set(BROKEN_TIMEKEEPERS) == set(LEDGER_LAWS)


@pytest.mark.parametrize("law_id", LEDGER_LAWS)
@pytest.mark.parametrize("said", MISSHAPEN)
def test_an_answer_of_the_wrong_form_is_a_violation(said: str, law_id: str) -> None:
    """Too few counters, and counters that are no finite floats, whatever the law is about."""
    case = Timeline("toy", threads=((Compile("jit", "language_model", steps=(1,)),),))
    verdict = judge(LAWS[law_id], case, guarded(Timekeeper(MISSHAPEN[said])))
    assert verdict.violation is not None
    assert verdict.violation.actual == said


def test_a_violation_shows_the_ledger() -> None:
    """What a report draws: each monitor with its own seconds, what was said of it, and what was counted before."""
    case = Timeline("toy", threads=((Compile("jit", "language_model", steps=(Compile("aot", steps=(4_000_000,)),)),),))
    verdict = judge(
        LAWS["ledger/nested-seconds-once"], case, guarded(Timekeeper(BROKEN_TIMEKEEPERS["ledger/nested-seconds-once"]))
    )
    assert verdict.violation is not None
    sheet = verdict.violation.evidence.ledger
    assert sheet is not None
    assert [(entry.own, entry.said, entry.also) for entry in sheet.entries] == [
        (0.0, 4.0, "worker 0, thread 0: encoder, aot, inside jit language_model(aot encoder(4000000))"),
        (4.0, 4.0, None),
    ]
    assert [(account.expected, account.counted) for account in sheet.accounts] == [(0.0, 4.0), (4.0, 4.0)]
    assert sheet.wall == 4.0
