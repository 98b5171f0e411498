"""Every law on engines on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selftests.properties.broken_engines import BROKEN_ENGINES
from selftests.properties.engine_stranger import STARTS, Engine, Stranger
from suite.contract.law import laws_of
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.profiles import PROFILES
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded
from suite.properties import engine, engine_processes

HUNT = replace(PROFILES["seeds"], shrink_seconds=0.0)
OURS = [law.id for topic in (engine, engine_processes) for law in laws_of(topic)]


def _search(law_id: str, kind: type[Engine], *, examples: int) -> Found:
    """Holds one law against a stranger; over processes, on a case or two."""
    law = LAWS[law_id]
    few = max(1, examples // 20) if law.topic == "engine_processes" else examples
    return search(law, space_of(law, "toy", STARTS), guarded(Stranger(kind)), profile=HUNT, examples=few)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """Workers that run side by side, and processes that are polled, satisfy every law."""
    found = _search(law_id, Engine, examples=30)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 0


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    found = _search(law_id, BROKEN_ENGINES[law_id], examples=60)
    assert found.verdict.outcome is Outcome.VIOLATED, found.verdict
    violation = found.verdict.violation
    assert violation is not None
    assert violation.expected
    assert violation.actual
    assert violation.because
    assert violation.expected != violation.actual


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_ENGINES) == set(OURS)
