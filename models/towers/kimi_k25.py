"""Kimi-K2.5: tokens are gathered by an index whose shape holds the frames, so a graph serves images only."""

from __future__ import annotations

from transformers.models.kimi_k25.configuration_kimi_k25 import Kimi_K25Config
from transformers.models.kimi_k25.modeling_kimi_k25 import Kimi_K25MultimodalProjection, Kimi_K25VisionModel

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import PatchTower, TransformersTower, bare, part


def build() -> Tower:
    """Two blocks of width 32, an 8 x 8 position table, and the projector."""
    vision = {
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "patch_size": 4,
        "pos_emb_height": 8,
        "pos_emb_width": 8,
    }
    config = Kimi_K25Config(vision_config=vision, text_config={"hidden_size": 32}, projection_hidden_size=32)
    tower = bare(Kimi_K25VisionModel, config.vision_config)
    return TransformersTower(family("kimi_k25"), PatchTower(tower, part(Kimi_K25MultimodalProjection, config)))
