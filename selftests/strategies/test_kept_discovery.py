"""What a cache can get wrong is drawn often: hits, evictions, layouts that come again, near twins of items."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from suite.contract.kept_case import KeptCase
from suite.contract.subject import Capabilities
from suite.strategies.cases import Space
from suite.strategies.kept import KEPT
from suite.strategies.kept_labels import KEPT_LABELS

DRAWS = 200
ABLE = Capabilities(keeps_outputs=True, can_be_off=True, drops_kept=True)
AT_LEAST: dict[str, int] = {
    "hit": 20,
    "eviction": 28,
    "no-room-at-all": 6,
    "layout-again-after-a-put": 26,
    "kept-over-a-larger-batch": 21,
    "dropped-then-asked": 2,
    "cleared-then-asked": 7,
    "same-layout-never-put": 7,
    "same-pixels-never-put": 4,
    "larger-than-the-cache": 14,
    "part-of-a-batch-fits": 6,
    "graphs-on": 28,
    "graphs-off": 26,
}
"""Percent of 200 draws that must be in the class: about two thirds of the least of three seeds."""


@cache
def _drawn(family_name: str = "toy", able: Capabilities = ABLE) -> tuple[KeptCase, ...]:
    """So many cases, the same ones on every run."""
    seen: list[KeptCase] = []

    @seed(0)
    @settings(
        max_examples=DRAWS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(KEPT["kept_histories"](Space(family(family_name), able)))
    def show(case: KeptCase) -> None:
        seen.append(case)

    show()
    return tuple(seen)


@pytest.mark.parametrize("label", KEPT_LABELS)
def test_every_class_occurs(label: str) -> None:
    """Each class that the strategy is there for has its share."""
    cases = _drawn()
    found = Counter(name for case in cases for name, is_in in KEPT_LABELS.items() if is_in(case, family("toy")))
    assert 100 * found[label] // len(cases) >= AT_LEAST[label]


def test_every_label_is_looked_at() -> None:
    """No label is without a share that it must have, above nothing."""
    assert set(AT_LEAST) == set(KEPT_LABELS)
    assert min(AT_LEAST.values()) > 0


@pytest.mark.parametrize("family_name", ["toy", "gemma3", "llava"])
def test_kept_histories_can_be_run(family_name: str) -> None:
    """The family takes every item, no batch is empty but of a clearing, and no batch has an item twice."""
    sizes = family(family_name).sizes
    for case in _drawn(family_name):
        assert case.capacity >= 0
        for step in case.steps:
            assert bool(step.batch) == (step.does != "clear")
            assert len(set(step.batch)) == len(step.batch)
            assert all(sizes.accepts(spec.grid) for spec in step.batch)


def test_what_is_not_declared_is_not_asked_for() -> None:
    """A cache that cannot drop single items is told to drop none, and graphs that cannot be off are on."""
    cases = _drawn(able=Capabilities(keeps_outputs=True))
    assert all(case.setup.enabled for case in cases)
    assert "drop" not in {step.does for case in cases for step in case.steps}
    assert "clear" in {step.does for case in cases for step in case.steps}
