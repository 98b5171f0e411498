"""Llama 4: tiles of one size with rotary positions; the tower merges patches itself."""

from __future__ import annotations

from transformers.models.llama4.configuration_llama4 import Llama4Config
from transformers.models.llama4.modeling_llama4 import Llama4MultiModalProjector, Llama4VisionModel

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import TileTower, TransformersTower, bare, part


def build() -> Tower:
    """Two blocks of width 32 over 4 x 4 patches; 4 tokens for a tile."""
    vision = {
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "intermediate_size": 128,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
        "vision_output_dim": 32,
        "projector_input_dim": 32,
        "projector_output_dim": 32,
    }
    config = Llama4Config(vision_config=vision, text_config={"hidden_size": 32})
    tower = bare(Llama4VisionModel, config.vision_config)
    return TransformersTower(family("llama4"), TileTower(tower, part(Llama4MultiModalProjector, config)))
