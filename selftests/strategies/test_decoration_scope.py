"""A column's scope takes out of a program of decoration what it leaves out, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings

from selftests.strategies.decoration_cases import space
from selftests.strategies.test_decoration_validity import PATIENT
from suite.contract.decoration import Build, Call, Decorate, DecorationCase, Step, Subclass, TreeSpec
from suite.contract.scope import EVERYTHING, DecorationScope
from suite.strategies.cases import Space
from suite.strategies.decorations import DECORATIONS
from suite.strategies.narrowing import narrowed

NARROW = DecorationScope(("float", "union"), ("hooks", "call"), fewest_rows=2, one_form=True, plain_beside=False)


def _case(*steps: Step, tree: TreeSpec | None = None) -> DecorationCase:
    return DecorationCase("toy", tree or TreeSpec(), steps=steps)


@pytest.mark.parametrize("strategy", DECORATIONS)
def test_no_case_lies_outside(strategy: str) -> None:
    """Whatever is drawn, and calls are of instances that there are."""
    here = space()
    within = Space(here.family, replace(here.capabilities, decoration_scope=NARROW))

    @settings(PATIENT, max_examples=60, phases=[Phase.generate])
    @given(DECORATIONS[strategy](within))
    def check(case: DecorationCase) -> None:
        calls = [step for step in case.steps if isinstance(step, Call)]
        built = [step for step in case.steps if isinstance(step, Build) and step.seed >= 0]
        assert case.tree.annotation in NARROW.annotations
        assert not {"hooks", "call"} & {*case.tree.features}
        assert all(call.rows >= 2 for call in calls)
        assert len({call.form for call in calls}) < 2
        assert all(call.instance < len(built) for call in calls if built)

    check()


def test_a_whole_scope_changes_nothing() -> None:
    """The first column's cases are those that are drawn."""
    case = _case(Build("Root", compiling=False), Decorate("Root"), Call(0, 0), tree=TreeSpec(features=("hooks",)))
    assert narrowed(case, EVERYTHING) is case


def test_plain_instances_of_decorated_classes_are_not_called() -> None:
    """Older ones are made and keep their places; later ones are not made, and others keep being called."""
    case = _case(
        Build("Root", compiling=False),
        Decorate("Child"),
        Build("Child"),
        Build("Child", compiling=False),
        Build("Sibling", compiling=False),
        *map(Call, range(4)),
    )
    steps = narrowed(case, NARROW).steps
    assert [step for step in steps if isinstance(step, Build)] == [
        Build("Root", compiling=False),
        Build("Child"),
        Build("Sibling", compiling=False),
    ]
    assert [step.instance for step in steps if isinstance(step, Call)] == [0, 1, 2]


def test_classes_below_a_decorated_one_are_decorated_too() -> None:
    """A plain instance of such a class is not called, one of a class that was derived from it is."""
    below = Subclass("Root")
    case = _case(
        Build("Root", compiling=False),
        Decorate("Root"),
        below,
        Build(below.name),
        Build("Sibling", compiling=False),
        *map(Call, range(3)),
    )
    steps = narrowed(case, NARROW).steps
    assert Build("Sibling", compiling=False) not in steps
    assert [step.instance for step in steps if isinstance(step, Call)] == [1]
