"""Every class of loads occurs in the strategy that is there for it, and every case is one that can be tried."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from models.whole import MODELS
from models.whole.strange import BREAKING, REFUSED
from suite.contract.kinds import read_case
from suite.contract.loading import LoadCase
from suite.contract.subject import Capabilities
from suite.strategies.cases import Space
from suite.strategies.catalogue import cases, labels
from suite.strategies.load_effects import LOAD_EFFECT_LABELS, LOAD_EFFECTS

DRAWS = 200
AT_LEAST: dict[str, dict[str, int]] = {
    "lone_loads": {
        "load-called": 15,
        "load-not-called": 30,
        "encoders-wished": 15,
        "load-mode-none": 10,
        "load-mode-stock": 10,
    },
    "hooked_loads": {"hooks-come-late": 30, "hooks-come-early": 30, "encoders-wished": 5},
    "copied_loads": {"load-called": 100, "encoders-wished": 5},
    "undone_loads": {"load-called": 100, "encoders-wished": 5},
    "dropped_loads": {"load-not-called": 100, "encoders-wished": 5},
    "given_configurations": {"load-not-called": 100, "load-mode-none": 20, "encoders-wished": 5},
    "refused_loads": {f"strange-{name.replace(' ', '-')}": 2 for name in REFUSED},
    "broken_loads": {f"strange-{name.replace(' ', '-')}": 8 for name in BREAKING},
    "imports": {"load-not-called": 100},
}
"""Percent of 200 draws that must be in the class: well below what was measured."""


def _drawn(strategy: str, model: str = "llava") -> list[LoadCase]:
    """So many cases, the same ones on every run."""
    found: list[LoadCase] = []

    @seed(0)
    @settings(
        max_examples=DRAWS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(strategy, Space(family("toy"), Capabilities(loads_models=True), model=model)))
    def show(case: LoadCase) -> None:
        found.append(case)

    show()
    return found


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_every_class_occurs(strategy: str) -> None:
    """Each class that a strategy is there for has its share."""
    drawn = _drawn(strategy)
    shares = {name: 100 * sum(map(is_in, drawn)) / len(drawn) for name, is_in in LOAD_EFFECT_LABELS.items()}
    rare = {label: (shares[label], least) for label, least in AT_LEAST[strategy].items() if shares[label] < least}
    assert not rare, f"{strategy}: (percent drawn, percent wanted) {rare}"


def test_every_class_is_wanted_somewhere() -> None:
    """No label is left without a strategy that must reach it, and no strategy without a share."""
    assert {label for shares in AT_LEAST.values() for label in shares} == set(LOAD_EFFECT_LABELS)
    assert set(AT_LEAST) == set(LOAD_EFFECTS)


@pytest.mark.parametrize("strategy", LOAD_EFFECTS)
def test_cases_can_be_kept_and_read(strategy: str) -> None:
    """The family is a whole model, encoders are wished where there are some, and JSON keeps everything."""
    for case in _drawn(strategy)[:40]:
        assert case.family == "llava"
        assert read_case(json.loads(case.to_json())) == case
        for load in case.loads:
            if load.model.name in MODELS:
                assert not load.wishes.encoder or MODELS[load.model.name].encoders
        assert labels(case, family("toy")) == tuple(sorted(labels(case, family("toy"))))


@pytest.mark.parametrize("model", ["llama", "llava", "whisper", "mamba"])
def test_the_simplest_lone_load_is_the_cells_own(model: str) -> None:
    """A profile that draws one case for each model holds the laws on that model, and calls some of them."""
    first = _drawn("lone_loads", model)[0]
    (load,) = first.loads
    assert load.model.name == model
    assert bool(load.calls) == (model != "mamba")
    assert load.wishes.encoder is (True if MODELS[model].encoders else None)
