"""Laws on caches, keys and traces on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selftests.properties.broken_keepers import BROKEN_KEEPERS
from selftests.properties.keeping_stranger import KEEPS, KeepingStranger, Keeps
from suite.contract.law import laws_of
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.profiles import PROFILES
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded
from suite.properties import compile_cache, compile_keys, trace

HUNT = replace(PROFILES["seeds"], shrink_seconds=0.0)
OURS = [law.id for topic in (compile_cache, compile_keys, trace) for law in laws_of(topic)]


def _search(law_id: str, keeps: type[Keeps], *, examples: int) -> Found:
    """Holds one law against a stranger."""
    law = LAWS[law_id]
    return search(law, space_of(law, "toy", KEEPS), guarded(KeepingStranger(keeps)), profile=HUNT, examples=examples)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A compiler that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, Keeps, examples=6)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    found = _search(law_id, BROKEN_KEEPERS[law_id], examples=40)
    assert found.verdict.outcome is Outcome.VIOLATED, found.verdict
    violation = found.verdict.violation
    assert violation is not None
    assert violation.expected
    assert violation.actual
    assert violation.because
    assert violation.expected != violation.actual


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_KEEPERS) == set(OURS)
