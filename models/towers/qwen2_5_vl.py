"""Qwen2.5-VL: attention in windows and over frames, so patches are reordered and offsets vary in count."""

from __future__ import annotations

from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLVisionConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import PatchTower, TransformersTower, bare


def build() -> Tower:
    """One block in windows of 4 x 4 patches and one over whole frames, width 32."""
    config = Qwen2_5_VLVisionConfig(
        depth=2,
        hidden_size=32,
        intermediate_size=64,
        num_heads=2,
        patch_size=4,
        out_hidden_size=32,
        window_size=16,
        fullatt_block_indexes=[1],
    )
    tower = bare(Qwen2_5_VisionTransformerPretrainedModel, config)
    return TransformersTower(family("qwen2_5_vl"), PatchTower(tower))
