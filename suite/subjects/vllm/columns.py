"""The columns of vLLM."""

from __future__ import annotations

from suite.subjects.column import Column
from suite.subjects.vllm.engine import installed
from suite.subjects.vllm.subject import VllmSubject


def columns(device: str, model: str | None = None) -> tuple[Column, ...]:
    """The installed release on the emulator.

    Raises:
        EngineMissing: there is no vLLM here, or none that can be used.
        ValueError: real graphs, or a model of one's own, which this adapter does not offer.
    """
    if device != "emulator":
        raise ValueError(f"subject vllm runs on the emulator, not on {device!r}: leave --device out")
    if model is not None:
        raise ValueError(f"subject vllm runs the encoders of the zoo, not {model!r}: leave --model out")
    engine = installed()
    text = f"vLLM {engine.version}, dialect {engine.dialect.letter}, its manager unmodified on the emulator"
    return (Column(VllmSubject(engine), text=text),)
