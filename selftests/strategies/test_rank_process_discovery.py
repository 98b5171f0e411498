"""Every load and every end of ranks in processes is drawn often, and every case can be run."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from suite.contract.shard_case import ShardCase
from suite.contract.subject import Capabilities
from suite.strategies.cases import Space
from suite.strategies.rank_processes import PROCESS_LABELS, RANK_PROCESSES, WORLDS
from suite.strategies.shard_labels import SHARD_LABELS

DRAWS = 120
LABELS = {**SHARD_LABELS, **PROCESS_LABELS}
AT_LEAST: dict[str, dict[str, int]] = {
    "process_shards": {
        "two-ranks": 26,
        "four-ranks": 26,
        "empty-batch": 66,
        "more-ranks-than-items": 66,
        "idle-after-busy": 45,
        "many-items-a-rank": 32,
        "equal-sizes": 12,
        "one-giant": 11,
        "oversized": 21,
        "graphs-off": 14,
        "graphs-on": 30,
    },
    "process_failures": {
        "raises": 36,
        "another-dtype": 12,
        "another-width": 6,
        "two-ranks": 29,
        "four-ranks": 24,
        "plant-on-an-idle-rank": 4,
        "plant-beside-idle-ranks": 30,
    },
    "process_deaths": {
        "dies": 66,
        "two-ranks": 20,
        "four-ranks": 32,
        "plant-on-rank-0": 28,
        "plant-on-an-idle-rank": 8,
        "plant-beside-idle-ranks": 26,
    },
    "process_silences": {
        "hangs": 66,
        "ends-before-a-batch": 32,
        "ends-between-collectives": 14,
        "two-ranks": 20,
        "four-ranks": 32,
        "plant-on-an-idle-rank": 8,
    },
    "process_ends": {"raises": 44, "dies": 15, "two-ranks": 28, "four-ranks": 31},
}
"""Percent of 120 draws that must be in the class: about two thirds of the least of three seeds."""


@cache
def _drawn(strategy: str, family_name: str = "toy") -> tuple[ShardCase, ...]:
    """So many cases, the same ones on every run."""
    seen: list[ShardCase] = []

    @seed(0)
    @settings(
        max_examples=DRAWS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(RANK_PROCESSES[strategy](Space(family(family_name), Capabilities(rank_processes=True))))
    def show(case: ShardCase) -> None:
        seen.append(case)

    show()
    return tuple(seen)


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_every_load_occurs(strategy: str) -> None:
    """Each class that a strategy is there for has its share."""
    cases = _drawn(strategy)
    toy = family("toy")
    found = Counter(name for case in cases for name, is_in in LABELS.items() if is_in(case, toy))
    shares = {label: 100 * found[label] // len(cases) for label in AT_LEAST[strategy]}
    rare = {label: share for label, share in shares.items() if share < AT_LEAST[strategy][label]}
    assert not rare, f"{strategy}: percent drawn {rare}"


def test_every_strategy_is_looked_at() -> None:
    """No strategy of processes is without a table, and no label of theirs without a strategy that must reach it."""
    assert set(AT_LEAST) == set(RANK_PROCESSES)
    assert {label for shares in AT_LEAST.values() for label in shares} >= set(PROCESS_LABELS)


@pytest.mark.parametrize("strategy", RANK_PROCESSES)
def test_cases_can_be_run(strategy: str) -> None:
    """There are two or four ranks, the family takes every item, and a plant is on a rank, in a batch with items."""
    sizes = family("toy").sizes
    for case in _drawn(strategy):
        assert case.ranks in WORLDS
        assert all(sizes.accepts(spec.grid) for batch in case.history for spec in batch)
        if case.plant is not None:
            assert case.plant.rank < case.ranks
            assert case.history[case.plant.batch]
