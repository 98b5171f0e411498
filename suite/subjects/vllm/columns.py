"""The columns of vLLM."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from suite.contract.scope import DecorationScope
from suite.contract.subject import AdapterBroken
from suite.subjects.column import Column
from suite.subjects.vllm.engine import Engine, installed
from suite.subjects.vllm.keeping import installed_store
from suite.subjects.vllm.own_attention import VarlenAttention
from suite.subjects.vllm.own_model import OwnModels, own_families
from suite.subjects.vllm.own_replaced import OWN_REPLACEMENTS, on_a_cpu
from suite.subjects.vllm.session import ModelMaker
from suite.subjects.vllm.subject import CAPABILITIES, DECORATING, VllmSubject, accounting_of

WHERE_MODELS_SHOW = (
    "values/replay-equals-eager",
    "values/same-total-other-boundaries",
    "values/videos",
    "staleness/history-does-not-matter",
    "isolation/batch-mates-do-not-matter",
    "ownership/inputs-are-left-alone",
    "capture/no-synchronisation",
    "capture/nothing-escapes",
)
"""Laws that a model of the engine's own can break by itself; what the manager alone decides is held elsewhere."""
WHERE_TILES_SHOW = ("values/replay-equals-eager",)
"""What a kernel reads beside its items is seen in values alone: one law is enough."""

WHERE_NESTS_HIDE = ("ledger/every-second-once", "ledger/failure-counts-nothing", "ledger/lines-agree-with-counters")
"""Laws whose cases hold compiles inside each other, so that what is wrong with those is all that they find."""

USUAL = DecorationScope(
    annotations=("tensor", "optional", "float", "union"),
    without=("hooks", "call", "rest"),
    fewest_rows=1,
    one_form=True,
    plain_beside=False,
)
"""Decorations as the engine's own models have them: annotations that it infers from, no hooks, one form of calls."""
WHERE_THE_UNUSUAL_HIDES = (
    "decoration/values-equal-eager",
    "decoration/exactly-the-decorated",
    "decoration/seconds-of-the-named-component",
    "decoration/same-again-is-nothing",
    "decoration/other-options-are-not-ignored",
    "decoration/constructed-once",
    "decoration/derived-classes",
    "decoration_arguments/sizes-are-inferred",
    "decoration_copies/copies-answer-alike",
    "decoration_effects/signature-stays",
    "decoration_effects/state-stays",
)
"""Laws whose cases hold what vLLM's models never do, so that this is all that they find."""

LOADS = (
    "loading/values",
    "loading/exactly-the-parts",
    "loading/encoder-not-by-default",
    "loading/seconds-by-component",
    "loading/says-what-compiles",
    "loading/encoder-warning",
    "loading/rope",
    "loading/no-trace-after-warm-up",
    "loading/new-weights",
)
"""Laws on what one loaded model does. Copies of classes cannot show what a load does to other models of these."""


def columns(device: str, model: ModelMaker | None = None) -> tuple[Column, ...]:
    """The installed release on the emulator, with encoders of the zoo or with the models that `model` makes of them.

    Raises:
        AdapterBroken: there is no vLLM here, none that can be used, or the device is another.
    """
    if device != "emulator":
        raise AdapterBroken(f"vllm runs on the emulator, not on {device!r}: leave --device out")
    engine = installed()
    text = f"vLLM {engine.version}, dialect {engine.dialect.letter}, its manager unmodified on the emulator"
    if model is not None:
        # What the engine compiles and measures has nothing to do with a model that is put before its manager.
        return (Column(VllmSubject(engine, maker=model), text=text),)
    whole = accounting_of(DECORATING)
    return (
        Column(VllmSubject(engine, capabilities=whole, store=installed_store()), text=text),
        Column(
            VllmSubject(engine, capabilities=replace(whole, flat_compiles=True)),
            text="its accounting of compiles one after the other, so that those inside each other hide nothing else",
            name="flat",
            laws=WHERE_NESTS_HIDE,
            every_family=False,
        ),
        Column(
            VllmSubject(engine, capabilities=replace(DECORATING, decoration_scope=USUAL)),
            text="its decorator on classes and calls as its own models have them, so that others hide nothing else",
            name="usual",
            laws=WHERE_THE_UNUSUAL_HIDES,
            every_family=False,
        ),
        Column(
            VllmSubject(engine, capabilities=replace(DECORATING, loads_models=True)),
            text="what its Transformers backend decorates, in models that transformers makes of copies of its classes",
            name="transformers",
            laws=LOADS,
            every_family=False,
        ),
        *own_columns(engine),
    )


def own_columns(engine: Engine) -> tuple[Column, ...]:
    """The same manager before models of the engine's own, where the release has some for towers of the zoo."""
    found = own_families(engine)
    if not found:
        return ()
    names = ", ".join(each.model for each in found)
    return (
        Column(
            own_subject(engine, VarlenAttention()),
            text=f"the same before models of the engine's own: {names}",
            name="own",
            laws=WHERE_MODELS_SHOW,
        ),
        Column(
            own_subject(engine, VarlenAttention(reads_tiles=True)),
            text="these, with a kernel of attention that reads rows of no item with weight zero, as some do",
            name="tiles",
            laws=WHERE_TILES_SHOW,
        ),
    )


def own_subject(engine: Engine, kernel: VarlenAttention) -> VllmSubject:
    """The manager before the engine's own models, with that kernel of attention."""
    found = own_families(engine)
    return VllmSubject(
        engine,
        maker=OwnModels(found),
        capabilities=replace(CAPABILITIES, ranks=False, families=tuple(each.family for each in found)),
        surroundings=partial(on_a_cpu, kernel),
        beside=OWN_REPLACEMENTS,
    )
