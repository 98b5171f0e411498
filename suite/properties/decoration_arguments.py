"""Arguments of a decorated forward: every form of a call, types at their places, and sizes that vary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from suite.contract.calls import SubjectFailed
from suite.contract.decoration import DecorationCase
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.class_trees import Arguments
from suite.oracles.dynamo import counted
from suite.properties.decorated import Instance, Workshop, in_workshop
from suite.properties.served import not_compiled

NEEDS = ("decorates",)


@law(
    "decoration_arguments/forms-of-a-call",
    source=("SPEC D4",),
    inputs="forms_of_calls",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="how often a form is traced",
)
def forms_of_a_call(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Arguments by place, by name, both, keyword-only, left out and None give eager's answer from compiled code."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(case.steps):
            return wrong
        verdicts = (not_compiled(shop, shop.instance(call), call) for call in shop.calls())
        return next((wrong for wrong in verdicts if wrong), None) or holds(margin=shop.margin)

    return in_workshop(case, subject, body)


@law(
    "decoration_arguments/wrong-types-are-named",
    source=("SPEC D4",),
    inputs="wrong_types",
    needs=NEEDS,
    kind=DecorationCase,
    cost=4.0,
    ignores="arguments beyond the signature's, and subclasses of tensors",
)
def wrong_types_are_named(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """A value of the wrong kind, by place or by name, raises a TypeError that names the class and the argument."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(case.steps):
            return wrong
        verdicts = (_accepted(shop, each, *bad) for each in shop.instances for bad in _wrong(case))
        return next((wrong for wrong in verdicts if wrong), None) or holds()

    return in_workshop(case, subject, body)


def _wrong(case: DecorationCase) -> Iterator[tuple[str, str, Arguments]]:
    """Name of an argument, name of the type that is given, and the arguments of a call that gives it."""
    rows = torch.ones(2, 4)
    yield "rows", "list", (([1.0],), {})
    yield "more", "int", ((rows, 3), {})
    yield "times", "Tensor", ((rows, rows, rows), {})
    yield "more", "str", ((rows,), {"more": "rows"})
    yield "times", "Tensor", ((rows,), {"times": rows})
    if "keyword" in case.tree.features:
        yield "shift", "float", ((rows,), {"shift": 1.0})


def _accepted(shop: Workshop, each: Instance, name: str, kind: str, given: Arguments) -> Verdict | None:
    args, kwargs = given
    wanted = f"a TypeError of {each} that names {each.cls}, and {name} or {kind}"
    because = "types are checked against the wrong places of the signature, or not at all"
    try:
        call: Any = each.module
        shop.bench.ask(f"a call of {each} with a wrong {name}", lambda: call(*args, **kwargs))
    except SubjectFailed as failure:
        error = failure.__cause__
        if isinstance(error, TypeError) and each.cls in str(error) and (name in str(error) or kind in str(error)):
            return None
        return violated(expected=wanted, actual=f"{type(error).__name__}: {error}", because=because)
    return violated(expected=wanted, actual="an answer", because=because)


@law(
    "decoration_arguments/sizes-are-inferred",
    source=("SPEC C3", "SPEC D4", "BUG-C11", "BUG-C12"),
    inputs="marches_of_rows",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="dims other than the first",
)
def sizes_are_inferred(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """However tensors are annotated, no later number of rows, 0 and 1 among them, is traced again."""

    def body(shop: Workshop) -> Verdict:
        first, *others = shop.calls()
        if wrong := shop.play([*(step for step in case.steps if step not in (first, *others)), first]):
            return wrong
        for call in others:
            with counted() as traced:
                wrong = shop.call(call)
            if wrong:
                return wrong
            if traced.graphs or traced.frames:
                return violated(
                    expected=f"{call} after {first} traces nothing",
                    actual=f"torch counted {traced}",
                    because="the annotation was not taken for a tensor's, so its size is no size that varies",
                )
        return not_compiled(shop, shop.instances[0], first) or holds(margin=shop.margin)

    return in_workshop(case, subject, body)
