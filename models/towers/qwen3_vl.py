"""Qwen3-VL: position table resampled to each image, and extra outputs (deepstack) beside the merged ones."""

from __future__ import annotations

from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLVisionConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLVisionModel

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import PatchTower, TransformersTower, bare


def build() -> Tower:
    """Two blocks of width 32, an 8 x 8 position table, one extra output."""
    config = Qwen3VLVisionConfig(
        depth=2,
        hidden_size=32,
        intermediate_size=64,
        num_heads=2,
        patch_size=4,
        out_hidden_size=32,
        num_position_embeddings=64,
        deepstack_visual_indexes=[0],
    )
    return TransformersTower(family("qwen3_vl"), PatchTower(bare(Qwen3VLVisionModel, config)))
