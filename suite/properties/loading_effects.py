"""What loading a whole model with some parts compiled may not change (SPEC D6)."""

from __future__ import annotations

import gc
from typing import Any, cast

import torch
from torch import nn

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.loading import LoadCase, ModelSpec
from suite.contract.verdict import Verdict, holds, unknown, violated
from suite.oracles.class_aspects import Row
from suite.oracles.whole_models import config_of
from suite.properties.copied_loads import WAYS, copy_wrong, saved_state_wrong
from suite.properties.hooked_loads import heard_alike, inner_places, outer_places
from suite.properties.loads import LoadedBeside, fresh_torch, loaded_beside
from suite.properties.watched_loads import (
    Plain,
    Watched,
    classes_behind,
    different,
    facts_of,
    run_all,
    shape_of_state,
    strangers_in,
    told,
    unlike_plain,
    unwanted,
)

NEEDS = ("loads_models",)
MAY_CHANGE: tuple[Row, ...] = ("undo",)
"""While a decorated model lives its class may have a subclass more."""
FOREIGN = ("gpt2", "llama")
"""Families of which one has nothing to do with the model that is loaded."""


@law(
    "loading_effects/earlier-instances",
    source=("SPEC D6",),
    inputs="lone_loads",
    needs=NEEDS,
    everywhere=True,
    kind=LoadCase,
    cost=40.0,
    ignores="classes, which have a law of their own",
)
def earlier_instances(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Plain instances of a loaded model's classes and of others, made before it or after, answer as ever.

    Of a subject that leaves classes alone they answer to the bit, run in Python, and nothing of them is changed.
    """
    load = case.loads[0]
    strict = subject.capabilities.leaves_classes
    foreign = Plain.of(ModelSpec(next(name for name in FOREIGN if name != load.model.name)))
    earlier = {"an earlier instance": Plain.of(load.model), "an instance of another family": foreign}
    with fresh_torch():
        seen = {name: each.answer() for name, each in earlier.items()}
        if not all(torch.equal(seen[name][0], each.answer()[0]) for name, each in earlier.items()):
            return unknown("eager does not repeat itself here")
        scene = Watched((), {name: each.model for name, each in earlier.items()})
        with loaded_beside(load, subject) as beside:
            run_all(beside)
            changed = scene.changes()
            later = Plain.of(load.model)
            later.model.load_state_dict(earlier["an earlier instance"].model.state_dict())
            seen["a later instance"] = seen["an earlier instance"]
            for name, each in {**earlier, "a later instance": later}.items():
                if wrong := each.answers_otherwise(*seen[name], strict=strict, what=f"{name} of {load}"):
                    return wrong
        if strict and (wrong := unwanted(str(load), changed, what="plain instances beside", because=_WRITTEN)):
            return wrong
    return holds(decoration=scene.sheet(str(load), changed))


_WRITTEN = "the load switched classes, hooks or registries for everyone, not for its own model"


@law(
    "loading_effects/classes-untouched",
    source=("SPEC D6", "BUG-H01"),
    inputs="lone_loads",
    needs=(*NEEDS, "leaves_classes"),
    everywhere=True,
    kind=LoadCase,
    cost=40.0,
    ignores="living subclasses, and names that torch's own tracer puts into the modules that it traces",
)
def classes_untouched(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Loading, calling and dropping a model writes to no class, no module of classes, no registry, no global hook."""
    load = case.loads[0]
    plain = Plain.of(load.model)
    with fresh_torch():
        scene = Watched(classes_behind(plain.model))
        with loaded_beside(load, subject) as beside:
            run_all(beside)
            changed = scene.changes()
        for seen in (changed, scene.changes()):
            if wrong := unwanted(str(load), seen, allowed=MAY_CHANGE, what="classes and registries", because=_IN_PLACE):
                return wrong
    return holds(decoration=scene.sheet(str(load), changed, allowed=MAY_CHANGE))


_IN_PLACE = "a class was decorated in place, or another one stands under its name"


@law(
    "loading_effects/state-is-the-plain-one",
    source=("SPEC D6",),
    inputs="lone_loads",
    needs=NEEDS,
    everywhere=True,
    kind=LoadCase,
    cost=40.0,
    ignores="values of parameters",
)
def state_is_the_plain_one(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Names, order, dtypes and ties of parameters and buffers, flags and classes are the plain model's at all times."""
    load = case.loads[0]
    with fresh_torch(), loaded_beside(load, subject) as beside:
        wanted = shape_of_state(beside.twin.model)
        parameters = {name: id(each) for name, each in beside.loaded.model.named_parameters()}
        for when, calls in (("before", ()), ("after", load.calls)):
            run_all(beside, calls)
            model = beside.loaded.model
            given = shape_of_state(model)
            if other := [what for what, value in wanted.items() if given[what] != value]:
                return violated(
                    expected=f"the {other[0]} of {load} {when} calls: {wanted[other[0]]}",
                    actual=str(given[other[0]]),
                    because="decoration wraps a module, or makes parameters anew",
                )
            if odd := strangers_in(model, beside.twin.model):
                return violated(expected="modules of the plain classes", actual=told(odd), because=_IN_PLACE)
        if {name: id(each) for name, each in beside.loaded.model.named_parameters()} != parameters:
            return violated(
                expected="the first call leaves the model its parameters",
                actual="others stand in their place",
                because="compiling makes parameters anew, so whoever holds them holds the wrong ones",
            )
    return holds()


@law(
    "loading_effects/configuration-is-the-users",
    source=("SPEC D3", "SPEC D6"),
    inputs="given_configurations",
    needs=NEEDS,
    kind=LoadCase,
    cost=10.0,
    ignores="whether the model keeps a cache of keys and values, which an engine decides",
)
def configuration_is_the_users(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """The configuration that is given is not written to, and the model's own says what was asked."""
    load = case.loads[0]
    plain = Plain.of(load.model)
    config: Any = config_of(load.model)
    before = facts_of(config)
    with fresh_torch(), subject.loaded(config, load.wishes) as loaded:
        written = different(before, facts_of(config))
        other = different(facts_of(cast(Any, plain.model).config), facts_of(cast(Any, loaded.model).config))
    if written:
        return violated(
            expected=f"{load} leaves the caller's configuration alone",
            actual=f"it wrote to {told(written)}",
            because="a setting of the engine's is made in the caller's object, and the next model has it too",
        )
    if asked := [name for name in other if not name.endswith("use_cache")]:
        return violated(
            expected=f"the configuration of {load} is the plain model's",
            actual=f"other in {told(asked)}",
            because="the loader changes what the user asked for",
        )
    return holds()


@law(
    "loading_effects/hooks-fire",
    source=("SPEC D6", "BUG-H07"),
    inputs="hooked_loads",
    needs=NEEDS,
    kind=LoadCase,
    cost=70.0,
    ignores="hooks inside of a compiled part that come after its first call",
)
def hooks_fire(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Hooks on model, decoder, encoders and head hear in each call what they hear in eager, and nothing when removed.

    Hooks inside of a compiled part do so too if they are there at its first call.
    """
    with fresh_torch():
        for number, load in enumerate(case.loads):
            with loaded_beside(load, subject, number) as beside:
                if wrong := beside.follow():
                    return wrong
                *before, last = load.calls
                run_all(beside, before)
                places = outer_places(beside) + (() if before else inner_places(beside))
                when = "after a first call" if before else "before the first call"
                if wrong := heard_alike(beside, places, last, when=when):
                    return wrong
    return holds()


@law(
    "loading_effects/copies-work",
    source=("SPEC D6",),
    inputs="copied_loads",
    needs=NEEDS,
    kind=LoadCase,
    cost=80.0,
    ignores="copies from one process to another",
)
def copies_work(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """A deep copy, a pickle and the saved state answer alike, each with its own weights, or are refused clearly."""
    load = case.loads[0]
    promised = subject.capabilities.copies_decorated
    with fresh_torch(), loaded_beside(load, subject) as beside:
        if wrong := beside.first_wrong() or saved_state_wrong(beside, load.calls[0]):
            return wrong
        for way in WAYS:
            if wrong := copy_wrong(beside, way, load.calls[0], promised=promised):
                return wrong
    return holds()


@law(
    "loading_effects/undo-restores",
    source=("SPEC D6",),
    inputs="undone_loads",
    needs=(*NEEDS, "undoes_decoration"),
    kind=LoadCase,
    cost=80.0,
)
def undo_restores(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Undone once or twice, a model is plain in classes, attributes and answers, and another one still compiles."""
    tokens = case.loads[0].calls[0]
    plain = Plain.of(case.loads[0].model)
    plain.answer(tokens)
    with fresh_torch():
        scene = Watched(classes_behind(plain.model))
        kept: list[nn.Module] = []
        if wrong := _undone(case, subject, plain, kept):
            return wrong
        torch.compiler.reset()
        gc.collect()
        changed = scene.changes()
    title = f"an undone {case.loads[0]}"
    return unwanted(title, changed, what="classes", because=_HALF_UNDONE) or holds(
        decoration=scene.sheet(title, changed)
    )


_HALF_UNDONE = "undo forgets a module, a program, or a class that it made"


def _undone(case: LoadCase, subject: GuardedSubject, plain: Plain, kept: list[nn.Module]) -> Verdict | None:
    """Undoes the first of two loads, and in the end the second; `kept` holds the first's model when all is gone."""
    first_load, second_load = case.loads
    tokens = first_load.calls[0]
    with loaded_beside(first_load, subject) as first, loaded_beside(second_load, subject, 1) as second:
        for each in (first, second):
            run_all(each)
        compiled = second.compiled(tokens)
        kept.append(first.loaded.model)
        for _ in range(2):
            first.loaded.undo()
            if wrong := _not_plain(first, plain, tokens):
                return wrong
        if lost := compiled - second.compiled(tokens):
            return violated(
                expected=f"{second} still compiles {told(sorted(compiled))}",
                actual=f"Python runs {told(sorted(lost))}",
                because="undo is of the class, not of the model",
            )
        if wrong := second.first_wrong():
            return wrong
        # torch may hold on to a program that was called, and so to its model: let it be a plain one.
        second.loaded.undo()
        return None


def _not_plain(undone: LoadedBeside, plain: Plain, tokens: int) -> Verdict | None:
    expected = f"{undone} is plain again"
    if other := unlike_plain(undone.loaded.model, plain.model):
        return violated(expected=expected, actual=f"other in {told(other)}", because=_HALF_UNDONE)
    if compiled := undone.compiled(tokens):
        return violated(expected=expected, actual=f"still compiled: {told(sorted(compiled))}", because=_HALF_UNDONE)
    return undone.first_wrong()
