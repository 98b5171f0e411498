"""The columns of vLLM."""

from __future__ import annotations

from dataclasses import replace

from suite.contract.subject import AdapterBroken
from suite.subjects.column import Column
from suite.subjects.vllm.engine import Engine, installed
from suite.subjects.vllm.own_model import OwnModels, own_families
from suite.subjects.vllm.own_replaced import on_a_cpu
from suite.subjects.vllm.session import ModelMaker
from suite.subjects.vllm.subject import CAPABILITIES, VllmSubject

WHERE_CLIPS_HIDE = (
    "packing/every-item-once",
    "packing/no-limit-exceeded",
    "packing/smallest-budget",
    "packing/equal-items-share",
    "packing/fitting-items-are-replayed",
    "packing/plan-is-a-function-of-sizes",
)
"""Laws whose cases hold clips and images, so that what is wrong with clips is all that they find."""


def columns(device: str, model: ModelMaker | None = None) -> tuple[Column, ...]:
    """The installed release on the emulator, with encoders of the zoo or with the models that `model` makes of them.

    Raises:
        AdapterBroken: there is no vLLM here, none that can be used, or the device is another.
    """
    if device != "emulator":
        raise AdapterBroken(f"vllm runs on the emulator, not on {device!r}: leave --device out")
    engine = installed()
    text = f"vLLM {engine.version}, dialect {engine.dialect.letter}, its manager unmodified on the emulator"
    images = VllmSubject(engine, maker=model, capabilities=replace(CAPABILITIES, video=False))
    others = () if model else own_columns(engine)
    return (
        Column(VllmSubject(engine, maker=model), text=text),
        Column(
            images,
            text="the same without clips, so that what is wrong with clips hides nothing else",
            name="images",
            laws=WHERE_CLIPS_HIDE,
            every_family=False,
        ),
        *others,
    )


def own_columns(engine: Engine) -> tuple[Column, ...]:
    """The same manager before models of the engine's own, where the release has some for towers of the zoo."""
    found = own_families(engine)
    if not found:
        return ()
    subject = VllmSubject(
        engine,
        maker=OwnModels(found),
        capabilities=replace(CAPABILITIES, ranks=False, families=tuple(each.family for each in found)),
        surroundings=on_a_cpu,
    )
    names = ", ".join(each.model for each in found)
    return (Column(subject, text=f"the same before models of the engine's own: {names}", name="own"),)
