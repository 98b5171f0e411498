"""Shapes that the parameters of a rotary embedding may have in a configuration (BUG-H02), by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

Rope = dict[str, Any]

_FACTOR = {"factor": 2.0, "original_max_position_embeddings": 32}
KINDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "linear": {"rope_type": "linear", "factor": 2.0},
        "dynamic": {"rope_type": "dynamic", "factor": 2.0},
        "yarn": {"rope_type": "yarn", **_FACTOR},
        "llama3": {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0, **_FACTOR},
    }
)
"""What each kind adds to the parameters that a family has."""
DYNAMIC = ("dynamic", "one-dynamic")
"""Shapes under which the embedding depends on the longest text so far: its decoder may stay eager."""
LONG = 70
"""Tokens of a text that is longer than the models were trained for, from where on a dynamic embedding changes."""

_FLAT = ("llama", "qwen2", "qwen3", "mistral", "gemma", "gemma2", "phi3", "olmo2", "falcon")
_TOWERS = ("llava", "internvl", "paligemma", "idefics3", "smolvlm", "aya_vision", "qwen2_audio")
_SECTIONED = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
_NESTED = ("modernbert", "gemma3")
SHAPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys((*_FLAT, *_TOWERS), ("without-kind", "old-name", *KINDS)),
        **dict.fromkeys(("gpt_neox", "mixtral"), ("without-kind", "old-name", "linear")),
        **dict.fromkeys(_SECTIONED, ("linear", "dynamic")),
        **dict.fromkeys(_NESTED, ("linear", "one-dynamic")),
    }
)
"""By the name of a whole model, the shapes that it takes; a model that is not here has no rotary embedding.

Transformers puts the family's own parameters where a configuration says None, and a kind where none is named. What a
loader sees as well is a configuration without any such field: of a family that is not here.
"""


def with_rope(config: PreTrainedConfig, shape: str) -> PreTrainedConfig:
    """The configuration, whose decoder's rotary parameters were given that shape; an empty name changes nothing.

    Raises:
        ValueError: the family does not take that shape.
    """
    if not shape:
        return config
    taken = SHAPES.get(config.model_type, ())
    if shape not in taken:
        raise ValueError(f"{config.model_type} takes no rope {shape!r}: choose one of {', '.join(taken) or 'none'}")
    text: Any = getattr(config, "text_config", config)
    text.rope_parameters = _shaped(text.rope_parameters, shape)
    text.standardize_rope_params()
    return config


def _shaped(own: Rope, shape: str) -> Rope:
    """A new mapping; parameters that are nested, by kind of layer, are each given the shape, or the first alone."""
    if any(isinstance(each, Mapping) for each in own.values()):
        first = next(iter(own))
        kind, chosen = ("dynamic", (first,)) if shape == "one-dynamic" else (shape, tuple(own))
        return {name: _shaped(each, kind) if name in chosen else dict(each) for name, each in own.items()}
    without = {name: each for name, each in own.items() if name != "rope_type"}
    if shape == "old-name":
        return {**without, "type": "linear", "factor": 2.0}
    return without if shape == "without-kind" else {**own, **KINDS[shape]}
