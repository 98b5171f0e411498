"""A setup in vLLM's words: its own compilation config, in the smallest surroundings that its manager reads."""

from __future__ import annotations

from types import SimpleNamespace

from models.api import Family
from suite.contract.case import Setup
from suite.subjects.vllm.engine import Engine

NO_LIMIT = 999
"""Clips per prompt where the family takes video: the engine's own default."""


def config_of(setup: Setup, family: Family, engine: Engine, *, ranks: int = 1) -> object:
    """What stands for a `VllmConfig`.

    The limits of the setup go through the engine's own `CompilationConfig`, so what it refuses is refused. Of the
    rest the manager reads how many clips a prompt may have, and how an encoder is shared out over ranks.

    Raises:
        ValueError: the engine refuses a value.
    """
    clips = NO_LIMIT if "video" in family.modalities else 0
    multimodal = SimpleNamespace(
        mm_encoder_tp_mode="data" if ranks > 1 else "weights",
        get_limit_per_prompt=lambda modality: clips if modality == "video" else NO_LIMIT,
    )
    return SimpleNamespace(
        compilation_config=engine.compilation_config(
            cudagraph_mm_encoder=setup.enabled,
            encoder_cudagraph_token_budgets=list(setup.budgets),
            encoder_cudagraph_max_vision_items_per_batch=setup.max_items,
            encoder_cudagraph_max_frames_per_batch=setup.max_frames,
        ),
        model_config=SimpleNamespace(multimodal_config=multimodal),
        parallel_config=SimpleNamespace(tensor_parallel_size=ranks),
    )
