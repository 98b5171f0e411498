"""Every law on ranks on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

import pytest

from selftests.properties.hunting import hunt, ids_of, whole_violation
from selftests.properties.sharding_stranger import BROKEN_SHARES, Shares, Stranger
from suite.contract.shard_case import Plant, ShardCase
from suite.contract.sharding import RankAnswer
from suite.contract.sheets import RanksSheet
from suite.contract.subject import Disturbance
from suite.contract.verdict import Outcome
from suite.driver.search import Found
from suite.properties import sharding
from suite.properties.failed_ranks import badly_told

OURS = ids_of(sharding)


def _search(law_id: str, shares: type[Shares], *, examples: int) -> Found:
    """Holds one law against a stranger."""
    return hunt(law_id, Stranger(shares), examples=examples)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """Ranks that share nothing with the reference, and gather otherwise, satisfy every law."""
    found = _search(law_id, Shares, examples=8)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    found = _search(law_id, BROKEN_SHARES[law_id], examples=40)
    whole_violation(found)
    sheet, case = found.verdict.sheet, found.case
    assert isinstance(sheet, RanksSheet)
    assert isinstance(case, ShardCase)
    assert [each for batch in sheet.batches for each in batch.ranks]
    assert {batch.number for batch in sheet.batches} <= set(range(len(case.history)))


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_SHARES) == set(OURS)


RAISED = RankAnswer(error=Disturbance("planted"))
TOLD = RankAnswer(error=RuntimeError("ranks 0, 1 could not encode"))


@pytest.mark.parametrize(
    ("other", "actual"),
    [
        (RankAnswer(error=RuntimeError("waits"), stuck=True), "ranks [0] wait: waits"),
        (RankAnswer(outputs=[]), "ranks [0] answered as if nothing had happened"),
        (RankAnswer(error=RuntimeError("rank 11 failed")), "RuntimeError: rank 11 failed"),
        (RankAnswer(error=RuntimeError("1 rank failed")), "RuntimeError: 1 rank failed"),
    ],
)
def test_what_is_told_badly_is_named(other: RankAnswer, actual: str) -> None:
    """A rank that waits, one that answers, one that blames another, one that blames none."""
    verdict = badly_told([other, RAISED], Plant(1))
    assert verdict is not None
    assert verdict.violation is not None
    assert verdict.violation.actual == actual


def test_what_is_told_well_is_well() -> None:
    """The failure itself on the rank that has it, and its number on the others."""
    assert badly_told([TOLD, RAISED, TOLD], Plant(1)) is None
