"""Every law on loading on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

import pytest

from selftests.properties.broken_loads import BROKEN_LOADS
from selftests.properties.hunting import hunt, ids_of, whole_violation
from selftests.properties.whole_model_stranger import LoadingStranger, Loads, MakeLoads
from suite.contract.verdict import Outcome
from suite.driver.search import Found
from suite.properties import loading, several_loads

OURS = ids_of(loading, several_loads)


def _search(law_id: str, make: MakeLoads, *, examples: int, model: str = "llava") -> Found:
    """Holds one law against a stranger."""
    return hunt(law_id, LoadingStranger(make), examples=examples, family=model, seconds=50.0)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A loader that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, Loads, examples=2)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    whole_violation(_search(law_id, BROKEN_LOADS[law_id], examples=30))


@pytest.mark.parametrize("model", ["mamba", "qwen2_vl"])
def test_what_torch_does_not_take_as_one_graph(model: str) -> None:
    """A forward that loops over tokens, and an encoder that stays eager with a warning, are both allowed."""
    found = _search("loading/exactly-the-parts", Loads, examples=1, model=model)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_LOADS) == set(OURS)
