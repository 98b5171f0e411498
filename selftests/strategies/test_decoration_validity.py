"""Every drawn program of decoration can be played as it stands, survives its JSON, and shrinks to a plain one."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from models.class_trees import ANNOTATIONS, BAD, FEATURES, FORWARDS, Shape
from selftests.strategies.decoration_cases import draw_decorations, space
from suite.contract.decoration import Build, Call, Decorate, DecorationCase, Subclass, TreeSpec
from suite.contract.kinds import read_case
from suite.strategies.decorations import DECORATIONS

PATIENT = settings(
    max_examples=1000,
    database=None,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def _check(case: DecorationCase) -> None:
    assert read_case(json.loads(case.to_json())) == case
    shape = Shape(case.tree.depth, case.tree.forward, case.tree.annotation, frozenset(case.tree.features))
    known, built = {*shape.names}, 0
    assert any(isinstance(step, Decorate) for step in case.steps)
    for step in case.steps:
        match step:
            case Subclass():
                assert step.cls in known
                known.add(step.name)
            case Build():
                assert step.cls in known
                built += step.seed >= 0
            case Call():
                assert built > step.instance or not built
            case Decorate():
                assert step.cls in known | {*BAD}


@pytest.mark.parametrize("strategy", DECORATIONS)
def test_decorations_are_valid(strategy: str) -> None:
    """Classes that exist, instances that were built, trees that can be made."""
    draw_decorations(strategy, examples=60, see=_check)


@pytest.mark.parametrize("strategy", DECORATIONS)
def test_the_simplest_decoration_is_plain(strategy: str) -> None:
    """If every case is violated, what is shown is one class with nothing odd about it."""
    assert find(DECORATIONS[strategy](space()), lambda _: True, settings=PATIENT).tree == TreeSpec()


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_alone_is_left(feature: str) -> None:
    """A failure that needs one oddity is shown with that one."""
    found = find(DECORATIONS["constructions"](space()), lambda case: feature in case.tree.features, settings=PATIENT)
    assert found.tree == TreeSpec(features=(feature,))


def test_trees_of_every_form_are_drawn() -> None:
    """No annotation, feature or forward is left out."""
    seen: list[DecorationCase] = []
    draw_decorations("constructions", examples=200, see=seen.append)
    assert {case.tree.annotation for case in seen} == {*ANNOTATIONS}
    assert {feature for case in seen for feature in case.tree.features} == {*FEATURES}
    assert {case.tree.forward for case in seen} == {*FORWARDS}
