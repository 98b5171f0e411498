"""Loads that are drawn are valid, and the interesting ones occur."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from models.whole import MODELS
from models.whole.rope import LONG, SHAPES
from suite.contract.kinds import read_case
from suite.contract.loading import LoadCase, ModelLoad
from suite.contract.subject import Capabilities
from suite.strategies.cases import Space
from suite.strategies.catalogue import labels
from suite.strategies.load_labels import LOAD_LABELS
from suite.strategies.loads import LOADS

DRAWS = 200
CAPABLE = Capabilities(loads_models=True, compile_backends=("eager", "aot_eager"))

AT_LEAST: dict[str, dict[str, int]] = {
    "loads": {
        "encoder-wished": 12,
        "encoder-not-mentioned": 16,
        "encoder-refused": 21,
        "one-token": 30,
        "several-lengths": 100,
        "one-layer": 42,
        "load-mode-full": 26,
        "load-mode-stock": 14,
        "load-mode-none": 12,
    },
    "warm_loads": {"encoder-wished": 22, "load-mode-full": 36, "load-mode-stock": 10, "load-mode-none": 11},
    "asked_encoders": {
        "encoder-wished": 8,
        "encoder-not-mentioned": 16,
        "wish-without-encoder": 3,
        "sees-images": 41,
        "sees-videos": 14,
        "hears": 9,
        "load-mode-none": 24,
    },
    "unasked_encoders": {"encoder-not-mentioned": 40, "encoder-refused": 15, "hears": 10, "load-mode-stock": 18},
    "quiet_loads": {
        "encoder-wished": 10,
        "encoder-not-mentioned": 18,
        "encoder-refused": 16,
        "wish-without-encoder": 2,
        "load-mode-none": 20,
    },
    "ropes": {"no-rope": 5, "nested-rope": 19, "dynamic-rope": 14, "other-rope": 22, "one-token": 16},
    "texts": {"one-token": 100, "several-lengths": 100},
    "neighbours": {
        "other-depths": 14,
        "other-wishes": 37,
        "other-weights": 48,
        "same-wishes-again": 28,
        "encoder-wished": 17,
        "load-mode-none": 14,
    },
    "repeats": {"same-wishes-again": 100, "encoder-wished": 6, "load-mode-stock": 20},
    "loads_at_once": {"other-models": 26, "same-wishes-again": 34, "encoder-wished": 9},
}
"""Percent of 200 draws that must be in the class: about two thirds of the least of four seeds."""


def _draw(strategy: str, number: int = 0, *, model: str = "llava") -> list[LoadCase]:
    """So many cases, the same ones on every run."""
    seen: list[LoadCase] = []

    @seed(number)
    @settings(
        max_examples=DRAWS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(LOADS[strategy](Space(family("toy"), CAPABLE, model=model)))
    def show(case: LoadCase) -> None:
        seen.append(case)

    show()
    return seen


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_interesting_loads_occur(strategy: str) -> None:
    """Each class is drawn at least as often as the table says."""
    cases = _draw(strategy)
    found = Counter(name for case in cases for name in labels(case, family("toy")))
    shares = {label: 100 * found[label] / len(cases) for label in AT_LEAST[strategy]}
    assert not {name: share for name, share in shares.items() if share < AT_LEAST[strategy][name]}, strategy


def test_every_strategy_and_label_has_a_line() -> None:
    """A strategy or a label that no line asks for could silently become empty."""
    assert set(AT_LEAST) == set(LOADS)
    assert {label for shares in AT_LEAST.values() for label in shares} == set(LOAD_LABELS)


@pytest.mark.parametrize("strategy", LOADS)
def test_loads_can_be_run(strategy: str) -> None:
    """Models and shapes exist, texts fit, and a case survives its JSON; a model alone is called unless it is quiet."""
    for case in _draw(strategy, 1):
        assert read_case(json.loads(case.to_json())) == case
        assert case.family == "llava"
        for load in case.loads:
            assert load.model.name in MODELS
            assert load.model.rope in ("", *SHAPES.get(load.model.name, ()))
            assert bool(load.calls) is (strategy != "quiet_loads")
            assert all(0 < tokens <= LONG for tokens in load.calls)


def _first(model: str, strategy: str) -> LoadCase:
    return _draw(strategy, model=model)[0]


@pytest.mark.parametrize(
    ("strategy", "what"),
    [
        ("loads", lambda load: load.wishes.mode),
        ("loads", lambda load: 1 in load.calls),
        ("warm_loads", lambda load: load.wishes.mode),
    ],
    ids=["mode", "one token", "mode of warm ones"],
)
def test_the_first_cases_of_models_differ(strategy: str, what: Callable[[ModelLoad], object]) -> None:
    """A profile with one case a model still sees each mode and each order."""
    several = {what(_first(model, strategy).loads[0]) for model in list(MODELS)[:6]}
    assert len(several) > 1
