"""What decoration does beside compiling (SPEC D6): to classes, instances, hooks, state, copies, and after an undo."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from suite.contract.decoration import Build, Call, Decorate, DecorationCase
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.class_aspects import Row
from suite.oracles.class_snapshot import snapshot
from suite.oracles.class_trees import GIVEN
from suite.properties.changed_classes import changed
from suite.properties.decorated import Instance, Workshop, in_workshop
from suite.properties.hooked import Hooks
from suite.properties.served import not_compiled, not_plain

NEEDS = ("decorates",)
SUBCLASSES: tuple[Row, ...] = ("undo",)
"""What may change while a class is decorated: that it has one more subclass."""


@law(
    "decoration_effects/originals-are-untouched",
    source=("SPEC D6",),
    inputs="decorated_once",
    needs=(*NEEDS, "leaves_classes"),
    kind=DecorationCase,
    cost=21.0,
    ignores="living subclasses, of which decoration may make one, and what a configuration object holds inside",
)
def originals_are_untouched(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Decorating, building and calling write to no class of the tree, to no registry and to no name of its module."""

    def body(shop: Workshop) -> Verdict:
        older = _settled(shop)
        given = shop.trees.given.classes
        before = snapshot(given, {"older": older.module}, modules=(GIVEN,))
        if wrong := shop.play(case.steps[1:]):
            return wrong
        after = snapshot(given, {"older": older.module}, modules=(GIVEN,))
        return changed(str(case), before, after, allowed=SUBCLASSES)

    return in_workshop(case, subject, body)


def _settled(shop: Workshop) -> Instance:
    """The first instance of the case, a plain one, which has been called."""
    shop.play(shop.case.steps[:1])
    older = shop.instances[0]
    shop.call(Call(0))
    return older


@law(
    "decoration_effects/older-instances-stay",
    source=("SPEC D6",),
    inputs="decorated_once",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="which code serves instances of a class that was written to",
)
def older_instances_stay(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """An instance made before, and plain ones made afterwards, are what they were and answer as in eager."""

    def body(shop: Workshop) -> Verdict:
        older = _settled(shop)
        before = snapshot({}, {"older": older.module})
        if wrong := shop.play(case.steps[1:]):
            return wrong
        verdict = changed(str(case), before, snapshot({}, {"older": older.module}), allowed=())
        shop.build(Build(older.cls, compiling=False, seed=2))
        plain = (older, shop.instances[-1])
        wrong = next((wrong for each in plain if (wrong := shop.call(Call(each.number, form="mixed")))), None)
        if wrong is None and shop.leaves_classes:
            wrong = next((wrong for each in plain if (wrong := not_plain(shop, each, Call(each.number)))), None)
        return wrong or verdict

    return in_workshop(case, subject, body)


@law(
    "decoration_effects/hooks-fire",
    source=("SPEC D6", "BUG-H07"),
    inputs="decorated_once",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="hooks on modules inside, and backward hooks",
)
def hooks_fire(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Hooks before and after the forward fire once a call and may change what goes in and out; removed ones do not."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(case.steps):
            return wrong
        each = shop.instances[1]
        ours, twins = Hooks(each.module), Hooks(each.twin)
        call = Call(each.number)
        if wrong := shop.call(call) or shop.call(Call(each.number, rows=2, form="mixed")):
            return wrong
        ours.remove()
        twins.remove()
        if wrong := shop.call(call):
            return wrong
        if ours.fired == twins.fired:
            return holds(margin=shop.margin)
        return violated(
            expected=f"hooks fire in this order: {twins.fired}",
            actual=f"{ours.fired}",
            because="the compiled form is called past `nn.Module.__call__`, or its hooks are traced into it",
        )

    return in_workshop(case, subject, body)


@law(
    "decoration_effects/signature-stays",
    source=("SPEC D6",),
    inputs="constructions",
    needs=NEEDS,
    kind=DecorationCase,
    cost=3.0,
    ignores="of a subject that writes to classes, everything but that the forward can be called alike",
)
def signature_stays(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """A decorated class has its original's name, module, text, signatures and annotations."""

    def body(shop: Workshop) -> Verdict:
        known = {name: _looks(cls) for name, cls in shop.classes.items()}
        if wrong := shop.play(step for step in case.steps if isinstance(step, Decorate)):
            return wrong
        for name in shop.options:
            got, want = _looks(shop.classes[name]), known[name]
            odd = [what for what in want if got[what] != want[what]]
            if odd and subject.capabilities.leaves_classes:
                return violated(
                    expected=f"{odd[0]} of decorated {name}: {want[odd[0]]}",
                    actual=f"{got[odd[0]]}",
                    because="a wrapper does not say what it wraps, or the new class has attributes of its own maker",
                )
        return next((wrong for call in _every_form() if (wrong := _unbound(shop, call))), None) or holds()

    return in_workshop(case, subject, body)


def _looks(cls: type[nn.Module]) -> Mapping[str, object]:
    forward: Any = cls.forward
    return {
        "__name__": cls.__name__,
        "__qualname__": cls.__qualname__,
        "__module__": cls.__module__,
        "__doc__": cls.__doc__,
        "the constructor's signature": str(inspect.signature(cls.__init__)),
        "forward's signature": str(inspect.signature(forward)),
        "forward's annotations": forward.__annotations__,
        "forward's name": (forward.__name__, forward.__qualname__, forward.__module__),
        "forward's text": forward.__doc__,
        "forward's source": inspect.getsource(forward),
    }


def _every_form() -> list[Call]:
    return [Call(0, form=form) for form in ("defaults", "positional", "keyword", "mixed")]


def _unbound(shop: Workshop, call: Call) -> Verdict | None:
    """A violation if a decorated forward's signature does not take a call that eager takes."""
    args, kwargs = shop.given(call)
    for name in shop.options:
        signature = inspect.signature(shop.classes[name].forward)
        try:
            signature.bind(None, *args, **kwargs)
        except TypeError as error:
            return violated(
                expected=f"the signature of decorated {name} takes a call of form {call.form}",
                actual=f"{signature}: {error}",
                because="the wrapper takes other arguments than what it wraps",
            )
    return None


@law(
    "decoration_effects/state-stays",
    source=("SPEC D6",),
    inputs="decorated_once",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="attributes that are no state",
)
def state_stays(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Names of state, the parameters themselves, `isinstance` and `repr` are the plain class's; new weights count."""

    def body(shop: Workshop) -> Verdict:
        original = shop.classes[shop.case.steps[0].cls] if isinstance(shop.case.steps[0], Build) else nn.Module
        calls = list(shop.calls())
        if wrong := shop.play(step for step in case.steps if not isinstance(step, Call)):
            return wrong
        each = shop.instances[1]
        parameters = _parameters(each.module)
        if wrong := shop.play(calls) or _unlike(each, original, parameters):
            return wrong
        for module in (each.module, each.twin):
            module.load_state_dict({name: value * 0.5 for name, value in module.state_dict().items()})
        return shop.call(calls[0]) or not_compiled(shop, each, calls[0]) or holds(margin=shop.margin)

    return in_workshop(case, subject, body)


def _unlike(each: Instance, original: type[nn.Module], before: Mapping[str, nn.Parameter]) -> Verdict | None:
    """A violation at the first thing that is not the plain class's."""
    now = _parameters(each.module)
    pairs: dict[str, tuple[object, object]] = {
        "names of its state": (list(each.module.state_dict()), list(each.twin.state_dict())),
        "names of its parameters": (list(now), list(_parameters(each.twin))),
        "parameters that a call left in place": ([name for name in now if now[name] is before.get(name)], list(now)),
        "names of its buffers": (_buffers(each.module), _buffers(each.twin)),
        "isinstance of the original": (isinstance(each.module, original), True),
        "repr": (repr(each.module), repr(each.twin)),
    }
    for what, (got, want) in pairs.items():
        if got != want:
            return violated(
                expected=f"{what} of {each}: {want}",
                actual=str(got),
                because="the module is held in another one, or made anew",
            )
    return None


def _parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    return dict(module.named_parameters(remove_duplicate=False))


def _buffers(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_buffers()]
