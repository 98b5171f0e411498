"""Gemma 3: a SigLIP tower over tiles of one size, pooled to few tokens and projected."""

from __future__ import annotations

from transformers.models.gemma3.configuration_gemma3 import Gemma3Config
from transformers.models.gemma3.modeling_gemma3 import Gemma3MultiModalProjector
from transformers.models.siglip.modeling_siglip import SiglipVisionModel

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import TileTower, TransformersTower, bare, part


def build() -> Tower:
    """Two blocks of width 32 over 4 x 4 patches; 4 tokens for a tile."""
    vision = {
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
        "vision_use_head": False,
    }
    config = Gemma3Config(vision_config=vision, text_config={"hidden_size": 32}, mm_tokens_per_image=4)
    tower = bare(SiglipVisionModel, config.vision_config)
    return TransformersTower(family("gemma3"), TileTower(tower, part(Gemma3MultiModalProjector, config)))
