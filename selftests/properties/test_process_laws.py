"""Every law on ranks in processes on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.api import Family
from selftests.properties.process_stranger import BROKEN_PROCESSES, IN_PROCESSES, ProcessShares, ProcessStranger
from suite.contract.law import laws_of
from suite.contract.shard_case import Plant, ShardCase
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.profiles import PROFILES
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded
from suite.oracles.descendants import Offspring
from suite.properties import sharding_processes

HUNT = replace(PROFILES["seeds"], shrink_seconds=0.0)
OURS = [law.id for law in laws_of(sharding_processes)]


def _search(law_id: str, shares: type[ProcessShares], *, examples: int) -> Found:
    """Holds one law against a stranger; it leaves no process, whatever the stranger does."""
    law = LAWS[law_id]
    offspring = Offspring()
    found = search(
        law, space_of(law, "toy", IN_PROCESSES), guarded(ProcessStranger(shares)), profile=HUNT, examples=examples
    )
    assert offspring.note() == set()
    return found


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """Ranks that share nothing with the reference, and have one collective, satisfy every law."""
    found = _search(law_id, ProcessShares, examples=6)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    found = _search(law_id, BROKEN_PROCESSES[law_id], examples=20)
    assert found.verdict.outcome is Outcome.VIOLATED, found.verdict
    violation = found.verdict.violation
    assert violation is not None
    assert violation.expected
    assert violation.actual
    assert violation.because
    assert violation.expected != violation.actual


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_PROCESSES) == set(OURS)


class _PlantsNothing(ProcessShares):
    def comes_to(self, plant: Plant, shares: object) -> bool:
        return False


def test_a_plant_that_never_shows_is_no_green() -> None:
    """Before its encoder and any collective every rank can die: an adapter that does not let it is broken."""
    case = ShardCase("toy", 2, history=((),), plant=Plant(1, 0, "dies"))
    law = LAWS["sharding_processes/death-is-noticed-on-every-rank"]
    verdict = law.check(case, guarded(ProcessStranger(_PlantsNothing)))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason == "adapter broken: rank 1 dies (before) in batch 0, and the rank answered"


class _HasNone(ProcessShares):
    def __init__(self, family: Family, ranks: int) -> None:
        super().__init__(family, ranks)
        super().close()


def test_ranks_without_processes_are_no_green() -> None:
    """Of none that was there, none can be left."""
    case = ShardCase("toy", 4, history=((),))
    verdict = LAWS["sharding_processes/no-process-is-left"].check(case, guarded(ProcessStranger(_HasNone)))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason == "0 processes were seen for 4 ranks: none of them could be left"
