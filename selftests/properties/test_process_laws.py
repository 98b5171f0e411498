"""Every law on ranks in processes on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

import pytest

from models.api import Family
from selftests.properties.hunting import hunt, ids_of, whole_violation
from selftests.properties.process_stranger import BROKEN_PROCESSES, ProcessShares, ProcessStranger
from suite.contract.shard_case import Plant, ShardCase
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.search import Found
from suite.driver.ticket import guarded
from suite.oracles.descendants import Offspring
from suite.properties import sharding_processes

OURS = ids_of(sharding_processes)


def _search(law_id: str, shares: type[ProcessShares], *, examples: int) -> Found:
    """Holds one law against a stranger; it leaves no process, whatever the stranger does."""
    offspring = Offspring()
    found = hunt(law_id, ProcessStranger(shares), examples=examples)
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
    whole_violation(_search(law_id, BROKEN_PROCESSES[law_id], examples=20))


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
