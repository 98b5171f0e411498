"""Families of transformers small enough to build in a blink, as data, with inputs for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, PreTrainedConfig

Inputs = dict[str, Tensor]
IMAGE, AUDIO, VOCABULARY = 120, 121, 128
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 8,
    "patch_size": 4,
}
HEADS = {"head_dim": 8}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
MROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
D_MODEL = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}
SPECIAL = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "decoder_start_token_id": 1}


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """One family: how to configure it, and what it takes."""

    model_type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Callable[[int], Inputs]
    """For so many tokens of text."""

    def config(self) -> PreTrainedConfig:
        """A new configuration."""
        config: PreTrainedConfig = AutoConfig.for_model(self.model_type, **_copied(self.settings))
        return config


def _copied(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _copied(each) if isinstance(each, Mapping) else each for name, each in settings.items()}


def words(tokens: int) -> Inputs:
    """`[1, tokens]` of text."""
    ids = torch.arange(tokens) * 7 % 100 + 3
    return {"input_ids": ids[None]}


def both(tokens: int) -> Inputs:
    """Text for the encoder and for the decoder."""
    return {**words(tokens + 1), "decoder_input_ids": words(tokens)["input_ids"]}


def _before(token: int, count: int, tokens: int) -> Tensor:
    return torch.cat([torch.full((1, count), token), words(tokens)["input_ids"]], dim=1)


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def picture(count: int) -> Callable[[int], Inputs]:
    """One image of 8 by 8 that becomes so many tokens, then text."""

    def inputs(tokens: int) -> Inputs:
        ids = _before(IMAGE, count, tokens)
        return {"input_ids": ids, "pixel_values": _noise(1, 3, 8, 8), "token_type_ids": (ids == IMAGE).long()}

    return inputs


def tiles(count: int) -> Callable[[int], Inputs]:
    """As `plain_picture`, with an image that is one tile."""

    def inputs(tokens: int) -> Inputs:
        return {"input_ids": _before(IMAGE, count, tokens), "pixel_values": _noise(1, 1, 3, 8, 8)}

    return inputs


def plain_picture(count: int) -> Callable[[int], Inputs]:
    """As `picture`, for models without token types."""

    def inputs(tokens: int) -> Inputs:
        return {"input_ids": _before(IMAGE, count, tokens), "pixel_values": _noise(1, 3, 8, 8)}

    return inputs


def patches(tokens: int) -> Inputs:
    """One image of 4 by 4 patches that become 4 tokens, then text."""
    ids = _before(IMAGE, 4, tokens)
    grid = torch.tensor([[1, 4, 4]])
    pixels = _noise(16, 3 * 2 * 4 * 4)
    return {"input_ids": ids, "pixel_values": pixels, "image_grid_thw": grid, "mm_token_type_ids": (ids == IMAGE).int()}


def sound(tokens: int) -> Inputs:
    """16 frames that become 4 tokens, then text."""
    return {
        "input_ids": _before(AUDIO, 4, tokens),
        "input_features": _noise(1, 8, 16),
        "feature_attention_mask": torch.ones(1, 16, dtype=torch.long),
    }


def speech(tokens: int) -> Inputs:
    """16 frames for the encoder, text for the decoder."""
    return {"input_features": _noise(1, 8, 16), "decoder_input_ids": words(tokens)["input_ids"]}


def seen(tokens: int) -> Inputs:
    """An image for the encoder, text for the decoder."""
    return {"pixel_values": _noise(1, 3, 8, 8), "decoder_input_ids": words(tokens)["input_ids"]}


def _text(model_type: str, **more: object) -> Tiny:
    return Tiny(model_type=model_type, settings={**TEXT, **more}, inputs=words)


def _towers(
    model_type: str,
    inputs: Callable[[int], Inputs],
    *,
    vision: Mapping[str, Any],
    text: Mapping[str, Any],
    **more: object,
) -> Tiny:
    settings = {
        "text_config": {**TEXT, **text},
        "vision_config": {**VISION, **vision},
        "image_token_id": IMAGE,
        "image_token_index": IMAGE,
        **more,
    }
    return Tiny(model_type=model_type, settings=settings, inputs=inputs)


def _grid(model_type: str, **vision: object) -> Tiny:
    common = {"depth": 2, "num_heads": 4, "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2}
    return Tiny(
        model_type=model_type,
        settings={
            "text_config": {**TEXT, "rope_parameters": MROPE},
            "vision_config": {**common, **vision},
            "image_token_id": IMAGE,
            "video_token_id": 122,
            "vision_start_token_id": 123,
            "vision_end_token_id": 124,
        },
        inputs=patches,
    )


_LLAMA = {"model_type": "llama"}
_CLIP = {"model_type": "clip_vision_model"}
_SIGLIP = {"model_type": "siglip_vision_model", "vision_use_head": False}
_AUDIO = {**D_MODEL, "num_mel_bins": 8, "max_source_positions": 8}

TEXT_FAMILIES: Mapping[str, Tiny] = {
    each.model_type: each
    for each in (
        _text("llama"),
        _text("qwen2"),
        _text("qwen3", **HEADS),
        _text("mistral"),
        _text("gemma", **HEADS),
        _text("gemma2", **HEADS),
        _text("phi3"),
        _text("olmo2"),
        _text("gpt_neox"),
        _text("falcon"),
        _text("bloom"),
        _text("mixtral", **EXPERTS),
        _text("opt", word_embed_proj_dim=32, ffn_dim=64),
        Tiny(
            model_type="gpt2",
            settings={"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": VOCABULARY},
            inputs=words,
        ),
        _text("mamba", state_size=4, time_step_rank=4),
    )
}
ENCODER_FAMILIES: Mapping[str, Tiny] = {each.model_type: each for each in (_text("bert"), _text("modernbert"))}
PAIRED_FAMILIES: Mapping[str, Tiny] = {
    each.model_type: each
    for each in (
        Tiny(
            model_type="t5",
            settings={
                "d_model": 32,
                "d_kv": 8,
                "d_ff": 64,
                "num_layers": 2,
                "num_heads": 4,
                "vocab_size": VOCABULARY,
                "decoder_start_token_id": 0,
            },
            inputs=both,
        ),
        Tiny(
            model_type="bart",
            settings={**D_MODEL, "vocab_size": VOCABULARY, "max_position_embeddings": 64, **SPECIAL},
            inputs=both,
        ),
    )
}
IMAGE_FAMILIES: Mapping[str, Tiny] = {
    each.model_type: each
    for each in (
        _grid("qwen2_vl", embed_dim=32, hidden_size=32, mlp_ratio=2),
        _grid(
            "qwen2_5_vl",
            hidden_size=32,
            out_hidden_size=32,
            intermediate_size=64,
            window_size=16,
            fullatt_block_indexes=[1],
        ),
        _grid(
            "qwen3_vl",
            hidden_size=32,
            out_hidden_size=32,
            intermediate_size=64,
            num_position_embeddings=16,
            deepstack_visual_indexes=[0],
        ),
        _towers("llava", plain_picture(4), vision=_CLIP, text=_LLAMA),
        Tiny(
            model_type="gemma3",
            settings={
                "text_config": {**TEXT, **HEADS},
                "vision_config": {**VISION, **_SIGLIP},
                "image_token_id": IMAGE,
                "mm_tokens_per_image": 4,
            },
            inputs=picture(4),
        ),
        _towers(
            "internvl",
            plain_picture(1),
            vision={"image_size": [8, 8], "patch_size": [4, 4]},
            text={"model_type": "qwen2"},
        ),
        _towers("paligemma", picture(4), vision=_SIGLIP, text={"model_type": "gemma", **HEADS}, projection_dim=32),
        _towers("idefics3", tiles(1), vision={}, text=_LLAMA, scale_factor=2),
        _towers("smolvlm", tiles(1), vision={}, text=_LLAMA, scale_factor=2),
        _towers(
            "aya_vision", plain_picture(1), vision=_SIGLIP, text={"model_type": "cohere2", **HEADS}, downsample_factor=2
        ),
    )
}
AUDIO_FAMILIES: Mapping[str, Tiny] = {
    each.model_type: each
    for each in (
        Tiny(
            model_type="qwen2_audio",
            settings={
                "text_config": {**TEXT, "model_type": "qwen2"},
                "audio_config": {"model_type": "qwen2_audio_encoder", **_AUDIO},
                "audio_token_index": AUDIO,
            },
            inputs=sound,
        ),
        Tiny(
            model_type="whisper",
            settings={**_AUDIO, **SPECIAL, "vocab_size": VOCABULARY, "max_target_positions": 64},
            inputs=speech,
        ),
    )
}
MULTIMODAL_FAMILIES: Mapping[str, Tiny] = {**IMAGE_FAMILIES, **AUDIO_FAMILIES}
FAMILIES: Mapping[str, Tiny] = {**TEXT_FAMILIES, **ENCODER_FAMILIES, **PAIRED_FAMILIES, **MULTIMODAL_FAMILIES}
