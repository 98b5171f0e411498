"""What a load leaves in the process when it succeeds, fails, is refused, or is dropped (SPEC D6)."""

from __future__ import annotations

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.loading import LoadCase, ModelLoad
from suite.contract.verdict import ChangedThing, DecorationSheet, Verdict, holds, violated
from suite.oracles.class_probes import survivors
from suite.oracles.fresh_process import ChildLost, import_elsewhere
from suite.oracles.inherited_state import handed_on, inherited_kept
from suite.oracles.next_process import ask_next_process
from suite.oracles.process_state import changes, process_kept
from suite.oracles.whole_models import config_of
from suite.properties.loads import fresh_torch, loaded_beside
from suite.properties.strange_loads import attempt, break_off, repaired_wrong, text_wrong, without_a_trace
from suite.properties.watched_loads import Plain, Watched, classes_behind, run_all, told, unwanted

NEEDS = ("loads_models",)


@law(
    "loading_residue/process-state",
    source=("SPEC D6",),
    inputs="lone_loads",
    needs=NEEDS,
    everywhere=True,
    kind=LoadCase,
    cost=40.0,
    ignores="how many of torch's random numbers are drawn, and which modules are imported",
)
def process_state_is_kept(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """A load leaves torch's modes and defaults, Dynamo's settings, the environment and the working directory alone."""
    load = case.loads[0]
    Plain.of(load.model)
    with fresh_torch(), process_kept() as modes, inherited_kept() as kept:
        with subject.loaded(config_of(load.model), load.wishes) as loaded:
            other = (*(each for each in changes(modes) if each != "random numbers"), *handed_on(kept))
            for tokens in load.calls:
                loaded.logits(Plain.of(load.model).twin.inputs(tokens))
        other = other or (*(each for each in changes(modes) if each != "random numbers"), *handed_on(kept))
    if other:
        return violated(
            expected=f"{load} leaves the process as it was",
            actual=f"changed: {told(other)}",
            because="a setting that is made for building or compiling stays when that is done",
        )
    return holds()


@law(
    "loading_residue/dropped-models-are-collected",
    source=("SPEC D6",),
    inputs="dropped_loads",
    needs=NEEDS,
    kind=LoadCase,
    cost=21.0,
    ignores="models that were called, which torch's own caches of traces may hold",
)
def dropped_models_are_collected(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """A loaded model that nobody holds is collected before its first call, with each class that was made for it."""
    load = case.loads[0]
    plain = Plain.of(load.model)
    # With classes of earlier loads, which torch's caches may keep, if these were called.
    known = set(classes_behind(plain.model))
    with fresh_torch():
        scene = Watched(classes_behind(plain.model))

        def dropped() -> list[object]:
            with loaded_beside(load, subject) as beside:
                modules = list(beside.loaded.model.modules())
            return [*modules, *({type(each) for each in modules} - known)]

        alive = survivors(dropped)
        changed = [each for each in scene.changes() if each.row == "undo"]
    if alive:
        return violated(
            expected=f"nothing of {load} lives on",
            actual=told(alive),
            because="a cache or a list holds models, or the classes made for them, for good",
        )
    return unwanted(f"a dropped {load}", changed, what="subclasses", because="a class is kept for good") or holds()


@law(
    "loading_residue/refusals-are-clear",
    source=("SPEC D3", "SPEC D6"),
    inputs="refused_loads",
    needs=NEEDS,
    kind=LoadCase,
    cost=8.0,
    ignores="what of it a subject rather loads than refuses, as long as there is a model",
)
def refusals_are_clear(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """What is no model, or cannot be split or decorated, is refused in words that name it, and leaves nothing."""
    for load in case.loads:
        found: list[Verdict | None] = []
        with without_a_trace(load, found) as odd:
            text = attempt(subject, odd, load)
            if text is not None:
                found.append(text_wrong(text, odd))
            elif odd.impossible:
                found.append(
                    violated(
                        expected=f"{odd.what} is refused",
                        actual="it was loaded",
                        because="the loader takes something else for what it was given",
                    )
                )
        if wrong := next(filter(None, found), None):
            return wrong
    return holds()


@law(
    "loading_residue/half-way-leaves-nothing",
    source=("SPEC D6",),
    inputs="broken_loads",
    needs=NEEDS,
    kind=LoadCase,
    cost=40.0,
    ignores="how the failure reaches the caller",
)
def half_way_leaves_nothing(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """A load that breaks half-way, here or in another thread, leaves nothing, and its classes load well later."""
    for load in case.loads:
        found: list[Verdict | None] = []
        with without_a_trace(load, found) as odd:
            break_off(subject, odd, load)
        with odd.registered():
            found.append(next(filter(None, found), None) or repaired_wrong(subject, odd, load))
        if wrong := found[-1]:
            return wrong
    return holds()


@law(
    "loading_residue/import-changes-nothing",
    source=("SPEC D3", "SPEC D6"),
    inputs="imports",
    needs=(*NEEDS, "imported_as"),
    kind=LoadCase,
    cost=80.0,
    ignores="which modules are imported with them",
)
def import_changes_nothing(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Importing what loads models changes no class, registry, hook or default, and no answer of a plain model."""
    load: ModelLoad = case.loads[0]
    modules = subject.capabilities.imported_as
    seen = import_elsewhere(load.model.name, modules)
    things = tuple(
        ChangedThing(*place, before=before, after=after, row=row, allowed=False)
        for *place, before, after, row in seen.changed
    )
    wrong = [*([seen.failed] if seen.failed else []), *(f"{each.subject}: {each.what}" for each in things), *seen.state]
    sheet = DecorationSheet(f"import of {', '.join(modules)}", things, seen.looked_at)
    if wrong or not seen.is_the_same:
        return violated(
            expected=f"a process with a plain {load.model} is the same after the import of {', '.join(modules)}",
            actual=told(wrong) or "plain models answer otherwise",
            because="decoration happens at import, for everyone who imports it, not when a model is made",
            decoration=sheet,
        )
    return holds(decoration=sheet)


@law(
    "loading_residue/next-process",
    source=("SPEC D6",),
    inputs="lone_loads",
    needs=NEEDS,
    kind=LoadCase,
    cost=80.0,
    ignores="processes that were forked while the model was loaded",
)
def next_process_sees_nothing(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """A process that starts beside a loaded model builds the plain one as if nothing had been loaded."""
    load = case.loads[0]
    before = ask_next_process(load.model.name)
    with fresh_torch(), inherited_kept(), loaded_beside(load, subject) as beside:
        run_all(beside)
        try:
            other = before.unlike(ask_next_process(load.model.name))
        except ChildLost as lost:
            other = (str(lost),)
    if other:
        return violated(
            expected=f"a new process with a plain {load.model} beside {load} is as one that started before",
            actual=told(other),
            because="the load handed something on: by the environment, a search path, or a file that others read",
        )
    return holds()
