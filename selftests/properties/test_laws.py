"""Every law on an implementation that is not the reference: held by an honest one, broken by a wrong one."""

from __future__ import annotations

import re

import pytest

from selftests.properties.bookkeeper import Bookkeeper, Books
from selftests.properties.broken_configurations import BROKEN_CONFIGURATIONS, REFUSES_CURTLY
from selftests.properties.broken_ledgers import BROKEN_LEDGERS, GraphPerBatch
from selftests.properties.broken_values import BROKEN_VALUES
from selftests.properties.hunting import hunt, whole_violation
from suite.contract.case import Case
from suite.contract.subject import Capabilities
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.everything import run_laws
from suite.driver.search import Found

BROKEN = {**BROKEN_VALUES, **BROKEN_LEDGERS, **BROKEN_CONFIGURATIONS}
HISTORY_LAWS = [law_id for law_id, law in LAWS.items() if law.kind is Case]
"""Laws about batches; those about compiling have strangers of their own."""
PHOTOGRAPHED = "qwen2_vl"
"""A family whose photographs can be read."""


def _search(law_id: str, books: type[Books], *, examples: int) -> Found:
    """Holds one law against a bookkeeper."""
    family = PHOTOGRAPHED if LAWS[law_id].inputs == "photographs" else "toy"
    return hunt(law_id, Bookkeeper(books), examples=examples, family=family)


@pytest.mark.parametrize("law_id", HISTORY_LAWS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """An implementation that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, Books, examples=6)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1 or LAWS[law_id].inputs == "setups"


@pytest.mark.parametrize("law_id", HISTORY_LAWS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    whole_violation(_search(law_id, BROKEN[law_id], examples=60))


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a session that it catches; no session is left without its law."""
    assert set(BROKEN) == set(HISTORY_LAWS)


def test_a_refusal_without_a_reason_is_caught() -> None:
    """A configuration may be refused, but not without a word."""
    found = _search("configuration/accepted-means-it-runs", REFUSES_CURTLY, examples=6)
    assert found.verdict.violation is not None
    assert found.verdict.violation.actual == "'no'"


def test_a_stranger_is_judged_by_what_it_declares() -> None:
    """With no capability at all only the common laws run, and they hold."""
    plain = Bookkeeper()
    plain.capabilities = Capabilities()
    results = list(run_laws(plain, profile_name="smoke"))
    assert {each.line["law"] for each in results} == {
        law.id for law in LAWS.values() if not law.needs and law.inputs != "photographs"
    }
    assert {each.outcome for each in results} == {Outcome.HOLDS}


@pytest.mark.parametrize("law_id", ["isolation/not-a-number-stays-at-home", "staleness/repeat-agrees"])
def test_batches_are_numbered_by_the_history(law_id: str) -> None:
    """Whatever a law encodes before, and however often: the text and the drawing name a batch of the case."""
    found = _search(law_id, BROKEN[law_id], examples=60)
    assert found.verdict.violation is not None
    assert isinstance(found.case, Case)
    named = re.search(r"of batch (\d+)", found.verdict.violation.expected)
    assert named is not None
    number = int(named[1])
    drawn = found.verdict.violation.evidence.plan
    assert len(drawn) == number + 1 <= len(found.case.history)
    grids = [str(spec.grid) for spec in found.case.history[number]]
    assert [item.grid for launch in drawn[number] for item in launch.items] == grids


@pytest.mark.parametrize(
    ("most", "expected"), [(0, "the subject states no number"), (30, "at most 30 graphs, as the subject states")]
)
def test_a_bound_on_graphs_need_not_be_a_ladder(most: int, expected: str) -> None:
    """A subject that captures layouts as they come is held to the number that it states, or to one of its own."""
    growing = Bookkeeper(GraphPerBatch)
    growing.capabilities = Capabilities(observable=True, most_graphs=most)
    found = hunt("capture/graphs-are-bounded", growing, examples=6)
    assert found.verdict.violation is not None
    assert expected in found.verdict.violation.expected
