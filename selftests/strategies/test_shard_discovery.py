"""Every load of ranks is drawn often, by the strategies that are there for it, and every case can be run."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from suite.contract.shard_case import MOST_RANKS, ShardCase
from suite.contract.subject import Capabilities
from suite.oracles.makespan import EXACT_ITEMS
from suite.strategies.cases import Space
from suite.strategies.shard_labels import SHARD_LABELS
from suite.strategies.shards import SHARDS

DRAWS = 120
KINDS = ("toy", "gemma3", "llava")
"""One family of each kind of sizes: small units, images only, and tiles."""
AT_LEAST: dict[str, dict[str, int]] = {
    "shards": {
        "one-rank": 2,
        "most-ranks": 4,
        "more-ranks-than-items": 9,
        "as-many-ranks-as-items": 1,
        "many-items-a-rank": 24,
        "equal-sizes": 4,
        "more-than-ten-items": 8,
        "one-giant": 13,
        "graphs-off": 42,
        "graphs-on": 9,
    },
    "loaded_shards": {"other-order": 31, "one-giant": 17, "many-items-a-rank": 22, "more-ranks-than-items": 26},
    "idle_shards": {
        "empty-batch": 66,
        "more-ranks-than-items": 39,
        "idle-after-busy": 42,
        "most-ranks": 3,
        "graphs-on": 4,
        "oversized": 4,
    },
    "failing_shards": {
        "raises": 100,
        "plant-on-rank-0": 22,
        "plant-on-an-idle-rank": 3,
        "plant-beside-idle-ranks": 20,
        "oversized": 4,
    },
    "unequal_shards": {
        "another-dtype": 25,
        "another-width": 20,
        "plant-on-rank-0": 30,
        "plant-beside-idle-ranks": 16,
        "graphs-on": 10,
    },
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
    @given(SHARDS[strategy](Space(family(family_name), Capabilities(ranks=True))))
    def show(case: ShardCase) -> None:
        seen.append(case)

    show()
    return tuple(seen)


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_every_load_occurs(strategy: str) -> None:
    """Each class that a strategy is there for has its share."""
    cases = _drawn(strategy)
    toy = family("toy")
    found = Counter(name for case in cases for name, is_in in SHARD_LABELS.items() if is_in(case, toy))
    shares = {label: 100 * found[label] // len(cases) for label in AT_LEAST[strategy]}
    rare = {label: share for label, share in shares.items() if share < AT_LEAST[strategy][label]}
    assert not rare, f"{strategy}: percent drawn {rare}"


def test_every_strategy_is_looked_at() -> None:
    """No strategy of ranks is without a table, and no label without a strategy that must reach it."""
    assert set(AT_LEAST) == set(SHARDS)
    assert {label for shares in AT_LEAST.values() for label in shares} == set(SHARD_LABELS)


@pytest.mark.parametrize("family_name", KINDS)
@pytest.mark.parametrize("strategy", SHARDS)
def test_shards_can_be_run(strategy: str, family_name: str) -> None:
    """The family takes every item, batches are small enough for the exact optimum, and a plant is on a rank."""
    sizes = family(family_name).sizes
    for case in _drawn(strategy, family_name):
        assert 1 <= case.ranks <= MOST_RANKS
        assert all(len(batch) <= EXACT_ITEMS for batch in case.history)
        assert all(sizes.accepts(spec.grid) for batch in case.history for spec in batch)
        if case.plant is not None:
            assert case.plant.rank < case.ranks
            assert case.history[case.plant.batch]
            assert case.plant.batch < len(case.history) - 1
