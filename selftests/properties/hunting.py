"""One law held against a stranger, and what every violation of it must say."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from suite.contract.law import laws_of
from suite.contract.subject import Subject
from suite.contract.verdict import Outcome, Violation
from suite.driver.catalogue import LAWS
from suite.driver.profiles import PROFILES
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded

SECONDS = PROFILES["seeds"].search_seconds


def ids_of(*topics: ModuleType) -> list[str]:
    """The laws of some topics."""
    return [law.id for topic in topics for law in laws_of(topic)]


def hunt(law_id: str, stranger: Subject, *, examples: int, family: str = "toy", seconds: float = SECONDS) -> Found:
    """Holds one law against a stranger; what is found is not made smaller."""
    law = LAWS[law_id]
    profile = replace(PROFILES["seeds"], shrink_seconds=0.0, search_seconds=seconds)
    space = space_of(law, family, stranger.capabilities)
    return search(law, space, guarded(stranger), profile=profile, examples=examples)


def whole_violation(found: Found) -> Violation:
    """The violation that was found, with all its parts."""
    assert found.verdict.outcome is Outcome.VIOLATED, found.verdict
    violation = found.verdict.violation
    assert violation is not None
    assert violation.expected
    assert violation.actual
    assert violation.because
    assert violation.expected != violation.actual
    return violation
