"""A check in a child process: the subject's death is a violation, the checker's is not."""

from __future__ import annotations

import pytest

from suite.contract.verdict import Outcome
from suite.driver.child import Errand, check_in_child
from suite.driver.profiles import PROFILES
from suite.driver.recording import Place

pytestmark = pytest.mark.timeout(180)
"""Processes are started: on a busy machine each takes many seconds."""


def _errand(*, subject: str, column: str = "") -> Errand:
    place = Place(node="invented", subject=subject, device="emulator")
    return Errand("values/replay-equals-eager", "toy", column, PROFILES["smoke"], 0, 2, place)


def test_a_subject_that_dies_is_violated_with_its_case() -> None:
    """How it ended, and the case that was under way."""
    found = check_in_child(_errand(subject="fault:lethal/dies-in-capture"), seconds=120)
    assert (found.outcome, found.cases) == (Outcome.VIOLATED, 1)
    assert "the process of the subject was ended by SIGKILL" in found.text
    assert "toy: history [[2x2]]" in found.text


def test_a_checker_that_fails_is_unknown() -> None:
    """A column that does not exist is no fault of any subject: nothing can be said, and the reason is shown."""
    found = check_in_child(_errand(subject="reference", column="no such column"), seconds=120)
    assert (found.outcome, found.cases) == (Outcome.UNKNOWN, 0)
    assert (found.line["verdict"], found.line["violation"]) == ("unknown", None)
    assert "StopIteration" in found.text
