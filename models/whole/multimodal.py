"""Models that take images, videos or sound besides text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from models.whole.inputs import AUDIO, IMAGE, VOCABULARY, Inputs, patches, picture, plain_picture, sound, speech, tiles
from models.whole.model import WholeModel
from models.whole.sizes import D_MODEL, HEADS, MROPE, SPECIAL, TEXT, VISION

_IMAGES, _FRAMES = ("image",), ("image", "video")


def _towers(
    name: str,
    architecture: str,
    inputs: Callable[[int], Inputs],
    *,
    vision: Mapping[str, Any],
    text: Mapping[str, Any],
    modalities: tuple[str, ...] = _IMAGES,
    **more: object,
) -> WholeModel:
    settings = {
        "text_config": {**TEXT, **text},
        "vision_config": {**VISION, **vision},
        "image_token_id": IMAGE,
        "image_token_index": IMAGE,
        **more,
    }
    return WholeModel(
        name=name,
        architecture=architecture,
        decoder="model.language_model",
        encoders={"model.vision_tower": modalities},
        settings=settings,
        inputs=inputs,
    )


def _tiles(name: str, architecture: str) -> WholeModel:
    """Idefics' kind, whose parts have names of their own."""
    plain = _towers(name, architecture, tiles(1), vision={}, text=_LLAMA, scale_factor=2)
    return WholeModel(
        name=name,
        architecture=architecture,
        decoder="model.text_model",
        encoders={"model.vision_model": _IMAGES},
        settings=plain.settings,
        inputs=plain.inputs,
    )


def _grid(name: str, architecture: str, **vision: object) -> WholeModel:
    common = {"depth": 2, "num_heads": 4, "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2}
    return WholeModel(
        name=name,
        architecture=architecture,
        decoder="model.language_model",
        encoders={"model.visual": _FRAMES},
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
_OUT = {"hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 64}

SEEING = (
    _grid("qwen2_vl", "Qwen2VLForConditionalGeneration", embed_dim=32, hidden_size=32, mlp_ratio=2),
    _grid("qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration", **_OUT, window_size=16, fullatt_block_indexes=[1]),
    _grid(
        "qwen3_vl",
        "Qwen3VLForConditionalGeneration",
        **_OUT,
        num_position_embeddings=16,
        deepstack_visual_indexes=[0],
    ),
    _towers("llava", "LlavaForConditionalGeneration", plain_picture(4), vision=_CLIP, text=_LLAMA),
    WholeModel(
        name="gemma3",
        architecture="Gemma3ForConditionalGeneration",
        decoder="model.language_model",
        encoders={"model.vision_tower": _IMAGES},
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
        "InternVLForConditionalGeneration",
        plain_picture(1),
        vision={"image_size": [8, 8], "patch_size": [4, 4]},
        text={"model_type": "qwen2"},
        modalities=_FRAMES,
    ),
    _towers(
        "paligemma",
        "PaliGemmaForConditionalGeneration",
        picture(4),
        vision=_SIGLIP,
        text={"model_type": "gemma", **HEADS},
        projection_dim=32,
    ),
    _tiles("idefics3", "Idefics3ForConditionalGeneration"),
    _tiles("smolvlm", "SmolVLMForConditionalGeneration"),
    _towers(
        "aya_vision",
        "AyaVisionForConditionalGeneration",
        plain_picture(1),
        vision=_SIGLIP,
        text={"model_type": "cohere2", **HEADS},
        downsample_factor=2,
    ),
)
HEARING = (
    WholeModel(
        name="qwen2_audio",
        architecture="Qwen2AudioForConditionalGeneration",
        decoder="model.language_model",
        encoders={"model.audio_tower": ("audio",)},
        settings={
            "text_config": {**TEXT, "model_type": "qwen2"},
            "audio_config": {"model_type": "qwen2_audio_encoder", **_AUDIO},
            "audio_token_index": AUDIO,
        },
        inputs=sound,
    ),
    WholeModel(
        name="whisper",
        architecture="WhisperForConditionalGeneration",
        decoder="model.decoder",
        encoders={"model.encoder": ("audio",)},
        settings={**_AUDIO, **SPECIAL, "vocab_size": VOCABULARY, "max_target_positions": 64},
        inputs=speech,
    ),
)
