"""GLM-4V: the forward itself reads the grid tensor on the device, to resample its position table."""

from __future__ import annotations

from transformers.models.glm4v.configuration_glm4v import Glm4vVisionConfig
from transformers.models.glm4v.modeling_glm4v import Glm4vVisionModel

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import PatchTower, TransformersTower, bare


def build() -> Tower:
    """Two blocks of width 32, an 8 x 8 position table."""
    config = Glm4vVisionConfig(
        depth=2,
        hidden_size=32,
        num_heads=2,
        image_size=32,
        patch_size=4,
        out_hidden_size=32,
        intermediate_size=64,
    )
    return TransformersTower(family("glm4v"), PatchTower(bare(Glm4vVisionModel, config)))
