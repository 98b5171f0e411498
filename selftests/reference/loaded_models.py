"""How loaded models are configured and run in these tests."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from models.whole import MODELS
from reference.compilation.config import CompilationConfig
from reference.compilation.recipes import COMPILED


def config(**wishes: object) -> CompilationConfig:
    """Full mode over pieces that stay eager."""
    return CompilationConfig(**{"backend": "eager", **wishes})  # type: ignore[arg-type]  # the tests' own wishes


def logits(model: PreTrainedModel, name: str, tokens: int) -> Tensor:
    """What the model returns for a text of so many tokens, and its image or sound."""
    with torch.no_grad():
        made: Tensor = cast(Any, model)(**MODELS[name].inputs(tokens)).logits
    return made


def hidden_states(model: PreTrainedModel, name: str, tokens: int) -> tuple[Tensor, ...]:
    """What its layers return."""
    with torch.no_grad():
        made: tuple[Tensor, ...] = cast(Any, model)(
            **MODELS[name].inputs(tokens), output_hidden_states=True
        ).hidden_states
    return made


def programs(model: PreTrainedModel) -> set[str]:
    """Where programs were made."""
    return {path for path, module in model.named_modules() if COMPILED in vars(module)}
