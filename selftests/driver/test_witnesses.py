"""The cases of deviations in a search: each decides before any drawn case, and what it shows hides nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from selftests.contract.invented import CASE, ONE, encodes_first_batch, invented_law, raising, subject
from selftests.driver.hunting import PROFILE, WRONG
from selftests.strategies.spaces import space
from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import Check
from suite.contract.subject import AdapterBroken
from suite.contract.verdict import Outcome, Verdict, holds, unknown, violated
from suite.driver.search import Found, search

WITNESS = replace(CASE, history=((ONE, ONE, ONE, ONE, ONE),))
"""A case that no draw of a few examples would find by chance."""
OTHER_WITNESS = replace(CASE, history=((ONE, ONE, ONE, ONE, ONE, ONE),))
OTHERWISE = violated(expected="right", actual="otherwise", because="of something else")


def _violated_by_witness_alone(case: Case, _: GuardedSubject) -> Verdict:
    return WRONG if case == WITNESS else holds()


def _violated_by_others(case: Case, _: GuardedSubject) -> Verdict:
    return holds() if case == WITNESS else WRONG


def _search(check: Check, given: GuardedSubject | None = None, witnesses: Sequence[Case] = (WITNESS,)) -> Found:
    law, given = invented_law(check), given or subject()
    found = search(law, space("toy"), given, profile=PROFILE, examples=1, witnesses=witnesses)
    assert len(found.witnesses) >= 1
    return found


def test_a_witness_is_found_with_any_number_of_cases() -> None:
    """It comes first: what a profile can afford makes no difference. The other cases hold, so nothing else is wrong."""
    found = _search(_violated_by_witness_alone)
    assert (found.witnesses, found.verdict.outcome, found.known) == ((Outcome.VIOLATED,), Outcome.VIOLATED, True)
    assert found.case == WITNESS
    assert found.cases > 1


def test_a_witness_that_holds_hides_nothing() -> None:
    """The search goes on, and what it finds is told with its own case."""
    found = _search(_violated_by_others)
    assert (found.witnesses, found.verdict.outcome, found.known) == ((Outcome.HOLDS,), Outcome.VIOLATED, False)
    assert found.case != WITNESS
    assert found.cases > 1


def test_a_known_failure_hides_no_other() -> None:
    """A violation for another reason is news, although the witness shows what it always showed."""
    found = _search(lambda case, _: WRONG if case == WITNESS else OTHERWISE)
    assert (found.witnesses, found.verdict.outcome, found.known) == ((Outcome.VIOLATED,), Outcome.VIOLATED, False)
    assert found.case != WITNESS
    assert found.verdict.violation == OTHERWISE.violation


def test_a_known_failure_shows_in_other_cases_too() -> None:
    """For the same reason it is the same failure, in whatever case."""
    found = _search(lambda *_: WRONG)
    assert (found.verdict.outcome, found.known, found.case) == (Outcome.VIOLATED, True, WITNESS)
    assert found.cases > 1


def test_two_witnesses_accept_two_reasons() -> None:
    """Each case is tried, and a cell that is violated for both reasons has nothing new."""
    check = lambda case, _: OTHERWISE if case == OTHER_WITNESS else WRONG  # noqa: E731 (read beside its assertion)
    found = _search(check, witnesses=(WITNESS, OTHER_WITNESS))
    assert (found.witnesses, found.known) == ((Outcome.VIOLATED, Outcome.VIOLATED), True)
    assert found.case == WITNESS


def test_a_witness_that_holds_with_all_others() -> None:
    """The law holds; that the entry is stale is for the caller to say."""
    found = _search(lambda *_: holds())
    assert (found.witnesses, found.verdict.outcome, found.known) == ((Outcome.HOLDS,), Outcome.HOLDS, False)


@pytest.mark.parametrize(
    "found",
    [
        lambda: _search(lambda *_: unknown("no compiler")),
        lambda: _search(encodes_first_batch, subject(start=raising(AdapterBroken("no engine")))),
    ],
    ids=["checker", "adapter"],
)
def test_a_witness_of_which_nothing_is_known(found: object) -> None:
    """Neither accepted nor stale."""
    assert callable(found)
    result = found()
    assert (result.witnesses, result.verdict.outcome, result.cases) == ((Outcome.UNKNOWN,), Outcome.UNKNOWN, 1)


def test_without_a_deviation_there_is_no_witness() -> None:
    """Every other search is as it was."""
    found = search(invented_law(), space("toy"), subject(), profile=PROFILE, examples=2)
    assert (found.witnesses, found.known) == ((), False)
