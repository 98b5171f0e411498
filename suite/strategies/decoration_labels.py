"""Labels of decoration programs: the trees, options and orders that must occur, decided from the case alone."""

from __future__ import annotations

from collections.abc import Callable

from models.class_trees import BAD, CHAIN
from suite.contract.decorating import Options
from suite.contract.decoration import Build, Call, Decorate, DecorationCase, Subclass

DecorationLabel = Callable[[DecorationCase], bool]


def _decorations(case: DecorationCase) -> list[Decorate]:
    return [step for step in case.steps if isinstance(step, Decorate)]


def _any_options(is_in: Callable[[Options], bool]) -> DecorationLabel:
    return lambda case: any(is_in(step.options) for step in _decorations(case))


def _any_call(is_in: Callable[[Call], bool]) -> DecorationLabel:
    return lambda case: any(is_in(step) for step in case.steps if isinstance(step, Call))


def _any_build(is_in: Callable[[Build], bool]) -> DecorationLabel:
    return lambda case: any(is_in(step) for step in case.steps if isinstance(step, Build))


def _feature(*names: str) -> DecorationLabel:
    return lambda case: bool({*names} & {*case.tree.features})


def _parent_and_child(case: DecorationCase) -> bool:
    return len({step.cls for step in _decorations(case)} & {*CHAIN}) > 1


def _twice(case: DecorationCase) -> bool:
    names = [step.cls for step in _decorations(case)]
    return len(names) > len(set(names))


def _otherwise(case: DecorationCase) -> bool:
    return _twice(case) and len({step.options for step in _decorations(case)}) > 1


def _warm_failure(case: DecorationCase) -> bool:
    """Whether a forward raises after the instance has answered."""
    calls = [step for step in case.steps if isinstance(step, Call)]
    return any(one.fails and not calls[0].fails for one in calls)


DECORATION_LABELS: dict[str, DecorationLabel] = {
    "inherited-forward": lambda case: case.tree.depth > 0 and case.tree.forward == "inherited",
    "overridden-forward": lambda case: case.tree.depth > 0 and case.tree.forward == "super",
    "two-levels-below": lambda case: case.tree.depth > 1,
    "below-the-root": lambda case: any(step.cls in CHAIN[1:] for step in _decorations(case)),
    "text-annotations": lambda case: case.tree.annotation in ("string", "future", "checking"),
    "optional-annotations": lambda case: case.tree.annotation in ("optional", "float", "union", "annotated"),
    "odd-arguments": _feature("keyword", "positional", "rest"),
    "odd-construction": _feature("new", "metaclass", "registry"),
    "registry-of-subclasses": _feature("registry"),
    "own-call": _feature("call"),
    "hooks-from-the-start": _feature("hooks"),
    "changes-a-buffer": _feature("counts"),
    "own-copying": _feature("state", "reduce"),
    "language-model": _any_options(lambda options: options.component == "language_model"),
    "dims-given": _any_options(lambda options: options.explicit),
    "not-enabled": _any_options(lambda options: options.enabled is False),
    "enabled": _any_options(lambda options: options.enabled is True),
    "parent-and-child": _parent_and_child,
    "decorated-twice": _twice,
    "decorated-otherwise": _otherwise,
    "derived-is-decorated": lambda case: any(step.cls.startswith("Derived") for step in _decorations(case)),
    "user-derives": lambda case: any(isinstance(step, Subclass) for step in case.steps),
    "plain-instances": _any_build(lambda build: not build.compiling),
    "constructor-fails": _any_build(lambda build: build.seed < 0),
    "cold-failure": lambda case: _any_call(lambda call: call.fails)(case) and not _warm_failure(case),
    "warm-failure": _warm_failure,
    "no-rows": _any_call(lambda call: call.rows == 0),
    "one-row": _any_call(lambda call: call.rows == 1),
    "by-name": _any_call(lambda call: call.form == "keyword"),
    "none-by-place": _any_call(lambda call: call.form == "none"),
    "not-full": lambda case: case.wishes.mode != "full",
    "cannot-be-decorated": lambda case: any(step.cls in BAD for step in _decorations(case)),
    "absent-argument": lambda case: any(step.absent for step in _decorations(case)),
}
"""Classes of what users do."""
