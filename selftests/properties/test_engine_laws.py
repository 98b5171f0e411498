"""Every law on engines on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

import pytest

from selftests.properties.broken_engines import BROKEN_ENGINES
from selftests.properties.engine_stranger import Engine, Stranger
from selftests.properties.hunting import hunt, ids_of, whole_violation
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.search import Found
from suite.properties import engine, engine_processes

OURS = ids_of(engine, engine_processes)


def _search(law_id: str, kind: type[Engine], *, examples: int) -> Found:
    """Holds one law against a stranger; over processes, on a case or two."""
    few = max(1, examples // 20) if LAWS[law_id].topic == "engine_processes" else examples
    return hunt(law_id, Stranger(kind), examples=few)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """Workers that run side by side, and processes that are polled, satisfy every law."""
    found = _search(law_id, Engine, examples=30)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 0


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    whole_violation(_search(law_id, BROKEN_ENGINES[law_id], examples=60))


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_ENGINES) == set(OURS)
