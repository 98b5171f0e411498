"""What makes a model for `--model` short: an encoder of the zoo in vLLM's protocol, with a part of yours before it."""

from __future__ import annotations

from models.api import Encoder
from suite.subjects.vllm.engine import installed
from suite.subjects.vllm.model import zoo_model


def zoo_model_with(part: type, encoder: Encoder) -> object:
    """The encoder behind `SupportsEncoderCudaGraph` of the installed release, but for what the class `part` overrides.

    Its methods are called with what the release calls its models with, and `super()` is the zoo's answer.

    Raises:
        EngineMissing: there is no vLLM here, or none that can be used.
    """
    engine = installed()
    return zoo_model(encoder, dialect=engine.dialect, protocol=engine.protocol, shapes=engine.shapes, part=part)
