"""Three verdicts, never confused: the subject's failures, refusals, broken adapters, and broken laws."""

from __future__ import annotations

from typing import cast

import pytest

from selftests.contract.invented import CASE, encodes_first_batch, invented_law, raising, subject
from suite.contract.calls import SubjectFailed
from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.judge import judge
from suite.contract.law import Check, law
from suite.contract.subject import AdapterBroken, Disturbance, Refused
from suite.contract.verdict import Outcome, Verdict, holds, unknown, violated
from suite.emulator.device import EmulatedDevice
from suite.emulator.errors import GraphDestroyed


def _judged(check: Check = encodes_first_batch, /, **broken: BaseException) -> Verdict:
    methods = {name: raising(error) for name, error in broken.items()}
    return judge(invented_law(check), CASE, subject(**methods))


def _violation(verdict: Verdict) -> tuple[str, str, str]:
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.violation is not None
    return verdict.violation.expected, verdict.violation.actual, verdict.violation.because


def test_an_honest_subject_holds() -> None:
    """The verdict of the law is handed on as it is."""
    assert _judged() == holds()


def test_a_failing_subject_is_violated() -> None:
    """Expected is the law's own sentence; the cause is the place in the subject that raised."""
    expected, actual, because = _violation(_judged(encode=KeyError("budget")))
    assert (expected, actual) == ("What must hold.", "encode raised KeyError: 'budget'")
    assert because.startswith("raised at invented.py:")
    assert because.endswith(" in method: raise error")


def test_a_refusal_of_the_emulator_is_the_callers() -> None:
    """The cause is the subject's line that asked for it, not the emulator's that raises."""

    def check(_case: Case, _given: GuardedSubject) -> Verdict:
        """What must hold."""
        try:
            EmulatedDevice().new_graph().debug_dump("tape")
        except GraphDestroyed as refusal:
            raise SubjectFailed(str(refusal)) from refusal
        return holds()

    because = _violation(_judged(check))[2]
    assert because.startswith("raised at test_contract_judge.py:")
    assert because.endswith(' in check: EmulatedDevice().new_graph().debug_dump("tape")')


def test_a_failure_without_a_place_is_violated() -> None:
    """An exception that only came back as words was raised nowhere here."""

    def check(_case: Case, _given: GuardedSubject) -> Verdict:
        """What must hold."""
        raise SubjectFailed("rank 1 raised RuntimeError: lost") from RuntimeError("lost")

    assert _violation(_judged(check)) == (
        "What must hold.",
        "rank 1 raised RuntimeError: lost",
        "it was raised in another process, of which only the words came back",
    )


def test_an_exit_is_violated() -> None:
    """A subject that ends the interpreter is judged like one that raises."""
    assert _violation(_judged(encode=SystemExit(0)))[1] == "encode raised SystemExit: 0"


def test_rubbish_is_violated() -> None:
    """An answer of the wrong form has a cause of its own."""
    verdict = judge(invented_law(), CASE, subject(encode=lambda _: None))
    assert _violation(verdict) == (
        "What must hold.",
        "encode returned NoneType, not a sequence of tensors",
        "the answer's form is wrong before any value is looked at",
    )


@pytest.mark.parametrize("place", ["start", "encode"])
def test_a_refusal_is_violated(place: str) -> None:
    """Laws that do not ask for refusals draw configurations that must work."""
    assert _violation(_judged(**{place: Refused("too many budgets")})) == (
        f"the configuration of {CASE} is valid",
        "refused: too many budgets",
        "the strategy draws this law's configurations within what every subject must accept",
    )


def test_a_planted_failure_that_escapes_is_violated() -> None:
    """A disturbance that reaches the law was not answered where it should have been."""
    assert _violation(_judged(encode=Disturbance("planted failure in replay"))) == (
        "What must hold.",
        "the planted failure reached the caller: planted failure in replay",
        "a failure was not answered where the law says that it must be",
    )


@pytest.mark.parametrize("place", ["start", "encode", "close"])
def test_a_broken_adapter_is_unknown(place: str) -> None:
    """Nothing can be said of a subject that was not reached."""
    assert _judged(**{place: AdapterBroken("no such library")}) == unknown("adapter broken: no such library")


def _raises(error: Exception) -> Check:
    def check(case: Case, given: GuardedSubject) -> Verdict:
        """Fails by itself."""
        with given.session(case.family, case.setup):
            raise error

    return check


@pytest.mark.parametrize("error", [AssertionError("law"), KeyError("law"), RecursionError("law")], ids=repr)
def test_a_law_that_raises_is_unknown(error: Exception) -> None:
    """The law's own exception is shown with its trace, and is never a violation."""
    verdict = _judged(_raises(error))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.violation is None
    assert (verdict.reason or "").startswith("the check itself failed: Traceback (most recent call last)")
    assert type(error).__name__ in (verdict.reason or "")


@pytest.mark.parametrize("garbage", [None, True, "holds", Outcome.HOLDS], ids=repr)
def test_a_law_that_returns_garbage_is_unknown(garbage: object) -> None:
    """What is no verdict is not taken for one."""
    verdict = _judged(lambda _case, _given: cast("Verdict", garbage))
    assert isinstance(verdict, Verdict)
    assert verdict.outcome is Outcome.UNKNOWN
    assert type(garbage).__name__ in (verdict.reason or "")


def test_verdicts_are_told_apart() -> None:
    """Each way to make one has its own outcome and only its own fields."""
    assert (holds().outcome, holds().violation, holds().reason) == (Outcome.HOLDS, None, None)
    assert (unknown("why").outcome, unknown("why").violation, unknown("why").reason) == (Outcome.UNKNOWN, None, "why")
    wrong = violated(expected="a", actual="b", because="c")
    assert (wrong.outcome, wrong.reason) == (Outcome.VIOLATED, None)
    assert wrong.violation is not None
    assert len({Outcome.HOLDS.value, Outcome.VIOLATED.value, Outcome.UNKNOWN.value}) == 3


def test_a_law_without_a_statement_is_refused() -> None:
    """The first paragraph of the docstring is the statement, so there must be one."""

    def silent(_case: Case, _given: GuardedSubject) -> Verdict:
        return holds()

    with pytest.raises(ValueError, match="law 'topic/name' has no docstring"):
        law("topic/name", source=("SPEC G4",), inputs="mixes")(silent)


def test_a_law_reads_its_statement_from_its_docstring() -> None:
    """Line breaks are taken out, further paragraphs left out; the id has a topic and a name."""

    def check(_case: Case, _given: GuardedSubject) -> Verdict:
        return holds()

    check.__doc__ = "Every item\n    is there once.\n\n    More words."
    made = law("topic/name", source=("SPEC G4", "BUG-G01", "SPEC G6"), inputs="mixes", needs=("video",))(check)
    assert made.statement == "Every item is there once."
    assert (made.topic, made.name, made.spec) == ("topic", "name", ("G4", "G6"))
    assert made.missing(subject().capabilities) == ("video",)
