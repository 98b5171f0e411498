"""Every class of benchmark runs is drawn often, by the strategies that are there for it, and every run can be made."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from suite.contract.kinds import read_case
from suite.contract.startup_case import StartupCase
from suite.contract.subject import Capabilities
from suite.strategies.cases import Space
from suite.strategies.startups import STARTUP_LABELS, STARTUPS

DRAWS = 120
AT_LEAST: dict[str, dict[str, int]] = {
    "startups": {
        "one-of-each": 8,
        "unequal-counts": 28,
        "several-cold": 39,
        "several-warm": 35,
        "equal-cold": 14,
        "unsorted": 10,
        "tiny-times": 60,
        "huge-times": 40,
        "halves-of-a-cent": 20,
        "no-encoder": 3,
    },
    "encoder_seconds": {
        "no-encoder": 20,
        "encoder-in-fill-alone": 6,
        "encoder-in-one-cold": 10,
        "encoder-in-one-warm": 3,
        "encoder-in-all-but-one": 6,
        "encoder-below-a-cent": 12,
    },
    "failing_startups": {
        "raises": 34,
        "interrupted": 29,
        "first-fails": 18,
        "fill-fails": 17,
        "last-fails": 8,
        "middle-cold-fails": 2,
    },
    "any_startups": {"none-fails": 36, "raises": 12, "interrupted": 7},
    "full_disks": {"full-later": 56, "full-from-the-start": 4},
    "process_startups": {"processes": 100, "none-fails": 32, "raises": 20, "dies": 3, "last-fails": 2},
    "real_starts": {"several-cold": 100, "several-warm": 33, "encoders-stay-eager": 22},
}
"""Percent of 120 draws that must be in the class: about two thirds of the least of three seeds."""


@cache
def _drawn(strategy: str) -> tuple[StartupCase, ...]:
    """So many cases, the same ones on every run."""
    seen: list[StartupCase] = []

    @seed(0)
    @settings(
        max_examples=DRAWS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(STARTUPS[strategy](Space(family("toy"), Capabilities(startup_benchmark=True))))
    def show(case: StartupCase) -> None:
        seen.append(case)

    show()
    return tuple(seen)


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_every_run_occurs(strategy: str) -> None:
    """Each class that a strategy is there for has its share."""
    cases = _drawn(strategy)
    found = Counter(name for case in cases for name, is_in in STARTUP_LABELS.items() if is_in(case))
    shares = {label: 100 * found[label] // len(cases) for label in AT_LEAST[strategy]}
    rare = {label: share for label, share in shares.items() if share < AT_LEAST[strategy][label]}
    assert not rare, f"{strategy}: percent drawn {rare}"


def test_every_strategy_is_looked_at() -> None:
    """No strategy of starts is without a table, and no label without a strategy that must reach it."""
    assert set(AT_LEAST) == set(STARTUPS)
    assert {label for shares in AT_LEAST.values() for label in shares} == set(STARTUP_LABELS)


@pytest.mark.parametrize("strategy", STARTUPS)
def test_runs_can_be_made(strategy: str) -> None:
    """A failing start is among those that are made, none dies without a process of its own, and JSON has it all."""
    for case in _drawn(strategy):
        count = len(list(case.starts()))
        assert case.failing is None or 0 <= case.failing.start < count
        assert case.full is None or (0 <= case.full < count and case.failing is None and not case.processes)
        assert case.failing is None or case.failing.how != ("interrupted" if case.processes else "dies")
        assert read_case(json.loads(case.to_json())) == case
