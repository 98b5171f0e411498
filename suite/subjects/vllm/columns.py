"""The columns of vLLM."""

from __future__ import annotations

from dataclasses import replace

from suite.contract.subject import AdapterBroken
from suite.subjects.column import Column
from suite.subjects.vllm.engine import installed
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
    return (
        Column(VllmSubject(engine, maker=model), text=text),
        Column(
            images,
            text="the same without clips, so that what is wrong with clips hides nothing else",
            name="images",
            laws=WHERE_CLIPS_HIDE,
            every_family=False,
        ),
    )
