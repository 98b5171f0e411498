"""Qwen2-VL: rotary positions and attention over whole frames."""

from __future__ import annotations

from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLVisionConfig
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VisionTransformerPretrainedModel

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import PatchTower, TransformersTower, bare


def build() -> Tower:
    """Two blocks of width 32."""
    config = Qwen2VLVisionConfig(depth=2, embed_dim=32, hidden_size=32, mlp_ratio=2, num_heads=2, patch_size=4)
    tower = bare(Qwen2VisionTransformerPretrainedModel, config)
    return TransformersTower(family("qwen2_vl"), PatchTower(tower))
