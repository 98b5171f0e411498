"""Families of transformers 5.23 whose `get_decoder` or `get_encoder` answers with another module, as data.

A path is looked for in the model, and then in its base model, so that it holds with and without a head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of one family, by `config.model_type`."""

    reason: str
    """What its methods answer."""
    decoder: str | None = None
    """Path of the decoder, where `get_decoder` is wrong."""
    encoders: Mapping[str, str] = field(default_factory=dict)
    """Paths of encoders by modality, where `get_encoder` is wrong."""
    without_tower: tuple[str, ...] = ()
    """Modalities that the decoder takes without an encoder."""
    refusal: str | None = None
    """The remedy, for a family that cannot be split into parts."""


_PLAIN = "get_encoder(modality=...) is the model; get_encoder() alone is right"


def _plain(*modalities: str) -> Known:
    return Known(reason=_PLAIN, encoders=dict.fromkeys(modalities, "encoder"))


EXCEPTIONS: Mapping[str, Known] = MappingProxyType(
    {
        "qwen2_5_omni": Known(
            reason="get_decoder and get_encoder are the model",
            refusal="load its thinker, config.thinker_config, which has a decoder and its encoders",
        ),
        "phi4_multimodal": Known(
            reason="get_decoder is the base model, and the towers are inside of it",
            refusal="load it with mode=CompilationMode.NONE",
        ),
        "pi0": Known(
            reason="get_decoder is the base model",
            refusal="load the language model inside of it, config.vlm_config",
        ),
        "git": Known(
            reason="get_decoder is the base model, and its tower is inside of it",
            refusal="load it with mode=CompilationMode.NONE",
        ),
        "whisper": _plain("audio"),
        "speech-encoder-decoder": _plain("audio"),
        "speech_to_text": _plain("audio"),
        "moonshine": _plain("audio"),
        "moonshine_streaming": _plain("audio"),
        "granite_speech": _plain("audio"),
        "granite_speech_plus": _plain("audio"),
        "pix2struct": _plain("image"),
        "vision-encoder-decoder": _plain("image"),
        "fuyu": Known(reason="get_encoder(modality='image') is the model", without_tower=("image",)),
        "gemma4_unified": Known(
            reason="get_encoder(modality=...) is the model", without_tower=("image", "video", "audio")
        ),
        "pp_formulanet": Known(reason="get_encoder(modality='image') is the base model", encoders={"image": "encoder"}),
        "t5gemma2": Known(
            reason="get_encoder(modality='image') is an encoder of text with a tower inside",
            encoders={"image": "encoder.vision_tower"},
        ),
        "video_llava": Known(
            reason="get_encoder(modality='video') is the tower for images", encoders={"video": "video_tower"}
        ),
    }
)
