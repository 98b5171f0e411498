"""Laws on caches, keys and traces on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

import pytest

from selftests.properties.broken_keepers import BROKEN_KEEPERS
from selftests.properties.hunting import hunt, ids_of, whole_violation
from selftests.properties.keeping_stranger import KeepingStranger, Keeps
from suite.contract.verdict import Outcome
from suite.driver.search import Found
from suite.properties import compile_cache, compile_keys, trace

OURS = ids_of(compile_cache, compile_keys, trace)


def _search(law_id: str, keeps: type[Keeps], *, examples: int) -> Found:
    """Holds one law against a stranger."""
    return hunt(law_id, KeepingStranger(keeps), examples=examples)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A compiler that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, Keeps, examples=6)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    whole_violation(_search(law_id, BROKEN_KEEPERS[law_id], examples=40))


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_KEEPERS) == set(OURS)
