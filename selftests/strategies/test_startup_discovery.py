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

DRAWS = 360
AT_LEAST: dict[str, dict[str, int]] = {
    "startups": {
        "one-of-each": 7,
        "unequal-counts": 19,
        "several-cold": 30,
        "several-warm": 28,
        "equal-cold": 12,
        "unsorted": 12,
        "tiny-times": 48,
        "huge-times": 26,
        "halves-of-a-cent": 14,
        "no-encoder": 1,
    },
    "encoder_seconds": {
        "no-encoder": 10,
        "encoder-in-fill-alone": 4,
        "encoder-in-one-cold": 10,
        "encoder-in-one-warm": 9,
        "encoder-in-all-but-one": 9,
        "encoder-below-a-cent": 19,
    },
    "failing_startups": {
        "raises": 19,
        "interrupted": 18,
        "first-fails": 14,
        "fill-fails": 7,
        "last-fails": 8,
        "middle-cold-fails": 2,
    },
    "any_startups": {"none-fails": 20, "raises": 7, "interrupted": 8},
    "full_disks": {"full-later": 32, "full-from-the-start": 10},
    "process_startups": {"processes": 100, "none-fails": 27, "raises": 9, "dies": 6, "last-fails": 2},
    "real_starts": {"several-cold": 100, "several-warm": 25, "encoders-stay-eager": 16},
}
"""Percent of 360 draws that must be in the class: about half of the least of eight seeds."""


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
