"""InternVL: tiles of one size, whose patches are merged two by two and projected."""

from __future__ import annotations

from torch import Tensor, nn
from transformers.models.internvl.configuration_internvl import InternVLConfig
from transformers.models.internvl.modeling_internvl import InternVLMultiModalProjector, InternVLVisionModel

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import TileTower, TransformersTower, bare, part

_SIDE = 4
"""Patches on one side of a tile."""


class MergedFeatures(nn.Module):
    """Drops the class token, merges blocks of 2 x 2 patches, then projects."""

    def __init__(self, projector: nn.Module) -> None:
        super().__init__()
        self.projector = projector

    def forward(self, features: Tensor) -> Tensor:
        """`[tiles, 1 + patches, hidden]` to `[tiles, patches // 4, width]`."""
        tokens: Tensor = self.projector(merge(features[:, 1:]))
        return tokens


def merge(patches: Tensor) -> Tensor:
    """`[tiles, 16, hidden]` to `[tiles, 4, 4 * hidden]`, in the order of the original pixel shuffle."""
    tiles, _, hidden = patches.shape
    blocks = patches.view(tiles, _SIDE // 2, 2, _SIDE // 2, 2, hidden)
    return blocks.transpose(2, 3).reshape(tiles, -1, 4 * hidden)


def build() -> Tower:
    """Two blocks of width 32 over 4 x 4 patches; 4 tokens for a tile."""
    vision = {
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }
    config = InternVLConfig(vision_config=vision, text_config={"model_type": "qwen2", "hidden_size": 32})
    tower = bare(InternVLVisionModel, config.vision_config)
    return TransformersTower(
        family("internvl"), TileTower(tower, MergedFeatures(part(InternVLMultiModalProjector, config)))
    )
