"""Llama of transformers as the engine's language model."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from transformers import LlamaConfig

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.engine.language import LAYERS, SEED, VOCABULARY, LanguageModel
from reference.transformers_backend.loading import load


def llama(width: int, device: torch.device, config: CompilationConfig, services: CompileServices) -> LanguageModel:
    """Llama of transformers with random weights; its base decoder compiles, just in time (SPEC D1)."""
    wanted = cast(Any, LlamaConfig)(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=4096,
        attn_implementation="eager",
    )
    model = cast(Any, load(wanted, config, services).model).requires_grad_(False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(SEED)) / 8)
    model = model.to(device)

    def decode(embeds: Tensor, positions: Tensor) -> Tensor:
        states: Tensor = model.model(inputs_embeds=embeds[None], position_ids=positions[None]).last_hidden_state[0]
        return states

    return LanguageModel(model.model.embed_tokens.weight.detach(), decode)
