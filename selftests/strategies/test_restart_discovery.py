"""Every flip, every damage and every way to start is drawn often, by the strategies that are there for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from selftests.strategies.program_cases import COMPILES
from suite.contract.program import DAMAGES, CompileSetup, ProgramCase, ProgramSpec, Start
from suite.strategies.cases import Space
from suite.strategies.flips import CLOSED, FLIPS, HARMLESS, TELLING, flipped
from suite.strategies.restarts import RESTART_LABELS, RESTARTS

DRAWS = 200
KEEPS = replace(COMPILES, compile_cache=True, ahead_of_time=True, trace_prefix="other")
FIELDS = {"name", "scale", "depth", "optional", "environment", "backend", "component", "split", "ranges"}
IDLE = {"calls", "instances", "trace"}

AT_LEAST: dict[str, dict[str, int]] = {
    "restarts": {"same-start-again": 100, "ahead-of-time": 30, "just-in-time": 30},
    "flips": {**{f"flipped-{name}": 2 for name in FIELDS | IDLE | {"aot", "mode"}}, "ahead-of-time": 30},
    "requests": {**{f"flipped-{name}": 4 for name in FIELDS | IDLE}, "just-in-time": 100},
    "telling_flips": {**{f"flipped-{name}": 5 for name in FIELDS}, "ahead-of-time": 100},
    "harmless_flips": {**{f"flipped-{name}": 18 for name in IDLE}, "ahead-of-time": 100},
    "environments": {"flipped-environment": 100, "ahead-of-time": 100},
    "pairs_of_programs": {"flipped-name": 25, "flipped-component": 25},
    "damaged_caches": {**{f"damage-{kind}": 15 for kind in DAMAGES if kind != "unwritable"}, "same-start-again": 100},
    "unwritable_caches": {"damage-unwritable": 100, "same-start-again": 100, "flipped-scale": 8, "flipped-ranges": 8},
    "warm_borders": {"ahead-of-time": 30, "just-in-time": 30, "flipped-calls": 60},
    "traced_starts": {"traced": 100},
    "traced_restarts": {"traced": 100, "ahead-of-time": 30, "same-start-again": 100},
    "traced_components": {"traced": 100, "flipped-component": 100},
}
"""Percent of 200 draws that must be in the class: about two thirds of the least of four seeds."""


def _draw(strategy: str, number: int = 0) -> list[ProgramCase]:
    """So many cases, the same ones on every run."""
    seen: list[ProgramCase] = []

    @seed(number)
    @settings(
        max_examples=DRAWS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(RESTARTS[strategy](Space(family("toy"), KEEPS)))
    def show(case: ProgramCase) -> None:
        seen.append(case)

    show()
    return seen


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_every_flip_and_damage_occurs(strategy: str) -> None:
    """Each class that a strategy is there for has its share."""
    cases = _draw(strategy)
    found = Counter(name for case in cases for name, is_in in RESTART_LABELS.items() if is_in(case))
    rare = {label: 100 * found[label] / len(cases) for label in AT_LEAST[strategy]}
    rare = {label: share for label, share in rare.items() if share < AT_LEAST[strategy][label]}
    assert not rare, f"{strategy}: percent drawn {rare}"


def test_every_strategy_is_looked_at() -> None:
    """No strategy of restarts is without a table, and no label without a strategy that must reach it."""
    assert set(AT_LEAST) == set(RESTARTS)
    assert {label for shares in AT_LEAST.values() for label in shares} == set(RESTART_LABELS)


@pytest.mark.parametrize("strategy", RESTARTS)
def test_restarts_can_be_run(strategy: str) -> None:
    """No call is too large for a language model, none goes to an instance that is not there, none is empty."""
    for start in (start for case in _draw(strategy, 1) for start in case.starts):
        last = start.setup.ranges[-1] if start.setup.ranges and start.setup.component == "language_model" else CLOSED
        assert start.calls
        assert all(0 < call.total <= last and call.instance < start.setup.instances for call in start.calls)
        assert list(start.setup.ranges) == sorted(set(start.setup.ranges))


@pytest.mark.parametrize("strategy", ["telling_flips", "harmless_flips", "requests"])
def test_a_flip_changes_one_thing(strategy: str) -> None:
    """Two starts differ in one field; ranges go with a component that ends somewhere, and calls with an instance."""
    for case in _draw(strategy):
        changed = flipped(*case.starts)
        assert len(changed) == 1 or changed in ({"component", "ranges"}, {"instances", "calls"}), case


def test_every_field_is_flipped() -> None:
    """A new field of a program or a setup needs a flip, or a reason here why it has none."""
    start = Start(ProgramSpec("scalar"), CompileSetup())
    fields = {*vars(start.program), *vars(start.setup), "calls"} - {"cached"}
    assert fields == FIELDS | IDLE | {"aot", "mode"}
    assert set(FLIPS) == {*TELLING, *HARMLESS, "aot", "mode"}
    assert {"likeness", *FIELDS} - {"name"} == set(TELLING)
