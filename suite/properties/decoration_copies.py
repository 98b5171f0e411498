"""What decoration leaves behind and takes along: copies, undone decorations, refusals, garbage (SPEC D6)."""

from __future__ import annotations

import copy
import gc
import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from suite.contract.calls import SubjectFailed
from suite.contract.decoration import Build, Call, Decorate, DecorationCase
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.subject import Refused
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.class_probes import survivors
from suite.oracles.class_snapshot import snapshot
from suite.oracles.class_trees import GIVEN
from suite.properties.changed_classes import changed
from suite.properties.decorated import ABSENT, Instance, Workshop, in_workshop, workshop
from suite.properties.served import not_compiled, not_plain, unclear

NEEDS = ("decorates",)


@law(
    "decoration_copies/copies-answer-alike",
    source=("SPEC D6",),
    inputs="copied",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="classes that pickle themselves by `__reduce__`, if they are refused clearly",
)
def copies_answer_alike(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """A deep copy, a pickle and a saved module answer as the instance does, compiled too, or are refused clearly."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(case.steps):
            return wrong
        each, call = shop.instances[1], next(shop.calls())
        must = subject.capabilities.copies_decorated and "reduce" not in case.tree.features
        for how, copied in COPIES.items():
            if wrong := _copied_wrongly(shop, each, call, how, copied, must=must):
                return wrong
        return shop.call(call) or holds(margin=shop.margin)

    return in_workshop(case, subject, body)


def _through_file(module: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded: nn.Module = torch.load(file, weights_only=False)
    return loaded


COPIES: Mapping[str, Callable[[nn.Module], nn.Module]] = {
    "deep copy": copy.deepcopy,
    "pickle": lambda module: pickle.loads(pickle.dumps(module)),
    "torch.save": _through_file,
}


def _copied_wrongly(
    shop: Workshop, each: Instance, call: Call, how: str, copied: Callable[[nn.Module], nn.Module], *, must: bool
) -> Verdict | None:
    try:
        made = shop.bench.ask(f"a {how} of {each}", lambda: copied(each.module))
    except SubjectFailed as failure:
        if must:
            raise
        words = str(failure.__cause__ or failure)
        return None if each.cls in words else unclear(words, name=each.cls)
    twin = Instance(each.number, each.cls, made, copied(each.twin), each.options)
    args, kwargs = shop.given(call)
    ours: Any = made
    with torch.no_grad():
        want = twin.twin(*args, **kwargs)
    args, kwargs = shop.given(call)
    got = shop.bench.ask(f"a call of a {how} of {each}", lambda: ours(*args, **kwargs))
    if wrong := shop.unequal(f"a {how} of {each}", got, want):
        return wrong
    if must and (wrong := not_compiled(shop, twin, call)):
        return wrong
    for weight in made.parameters():
        weight.data.zero_()
    return shop.call(call)


@law(
    "decoration_copies/undo-restores",
    source=("SPEC D6",),
    inputs="undone",
    needs=(*NEEDS, "undoes_decoration"),
    kind=DecorationCase,
    cost=40.0,
    ignores="instances of the class that was decorated, which are dropped before",
)
def undo_restores(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """After an undo everything is as before, without a subclass left; another decorated class goes on as it was."""

    def body(shop: Workshop) -> Verdict:
        first, *others = (step.cls for step in case.steps if isinstance(step, Decorate))
        shop.play(case.steps[:1])
        original = shop.classes[first]
        before = snapshot({first: original}, modules=(GIVEN,))
        if wrong := shop.play(case.steps[1:]):
            return wrong
        shop.undo(first)
        if shop.classes[first] is not original:
            return violated(
                expected=f"undoing {first} gives the class of the tree",
                actual=f"{shop.classes[first]}, another one",
                because="the class that was decorated is not kept",
            )
        shop.instances[:] = [each for each in shop.instances if each.cls != first]
        torch.compiler.reset()
        gc.collect()
        verdict = changed(str(case), before, snapshot({first: original}, modules=(GIVEN,)), allowed=())
        shop.build(Build(first))
        wrong = shop.call(Call(len(shop.instances) - 1)) or not_plain(shop, shop.instances[-1], Call(0))
        still = [each for each in shop.instances if each.cls in others]
        wrong = wrong or next((wrong for each in still if (wrong := not_compiled(shop, each, Call(0)))), None)
        return wrong or verdict

    return in_workshop(case, subject, body)


@law(
    "decoration_copies/refusals-change-nothing",
    source=("SPEC D4", "SPEC D6", "BUG-H04"),
    inputs="refused",
    needs=NEEDS,
    kind=DecorationCase,
    cost=3.0,
    ignores="whether a class that lets nobody derive from it is refused",
)
def refusals_change_nothing(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """What cannot be decorated is refused in words that name the class, and everything is as before."""

    def body(shop: Workshop) -> Verdict:
        shop.play(case.steps[:1])
        step = next(step for step in case.steps if isinstance(step, Decorate))
        cls = shop.trees.given.bad(step.cls)
        classes = {**shop.trees.given.classes, step.cls: cls}
        before = snapshot(classes, modules=(GIVEN,))
        try:
            shop.bench.decorate(cls, step.options, ABSENT if step.absent else None)
        except Refused as refusal:
            if step.cls not in str(refusal):
                return unclear(str(refusal), name=step.cls)
        else:
            if step.cls != "Final":
                return violated(
                    expected=f"decorating {step.cls} is refused",
                    actual="it is accepted",
                    because="what is wrong shows only when an instance is called, or never",
                )
            return holds()
        return changed(str(case), before, snapshot(classes, modules=(GIVEN,)), allowed=())

    return in_workshop(case, subject, body)


@law(
    "decoration_copies/nothing-lives-on",
    source=("SPEC D6",),
    inputs="undone",
    needs=NEEDS,
    kind=DecorationCase,
    cost=40.0,
    ignores="the tree's own classes: torch keeps the globals of whatever it traced",
)
def nothing_lives_on(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Classes that decoration made and all instances are collected once nobody holds them, and torch forgets."""
    wrong: list[Verdict] = []

    def make() -> list[object]:
        with workshop(case, subject) as shop:
            wrong.extend(found for found in [shop.play(case.steps)] if found)
            made = [each.module for each in shop.instances]
            given = shop.trees.given.classes.values()
            return [*(cls for cls in shop.classes.values() if cls not in given), *made]

    left = survivors(make)
    if wrong:
        return wrong[0]
    if left:
        return violated(
            expected="nothing of a tree lives on when it is dropped",
            actual=f"{', '.join(sorted(set(left)))} live on",
            because="a table of the decorator's, or a compiled program, holds classes or instances for good",
        )
    return holds()
