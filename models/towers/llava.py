"""LLaVA: a CLIP tower over tiles of one size; every patch is a token."""

from __future__ import annotations

from torch import Tensor, nn
from transformers.models.clip.modeling_clip import CLIPVisionModel
from transformers.models.llava.configuration_llava import LlavaConfig
from transformers.models.llava.modeling_llava import LlavaMultiModalProjector

from models.families import family
from models.towers.base import Tower
from models.towers.pretrained import TileTower, TransformersTower, bare, part


class _PatchFeatures(nn.Module):
    """Drops the class token, then projects."""

    def __init__(self, projector: nn.Module) -> None:
        super().__init__()
        self.projector = projector

    def forward(self, features: Tensor) -> Tensor:
        tokens: Tensor = self.projector(features[:, 1:])
        return tokens


def build() -> Tower:
    """Two blocks of width 32 over 4 x 4 patches; 16 tokens for a tile.

    LLaVA takes the features before the last block. Engines leave that block out; so is it here.
    """
    vision = {
        "model_type": "clip_vision_model",
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }
    config = LlavaConfig(vision_config=vision, text_config={"model_type": "llama", "hidden_size": 32})
    tower = bare(CLIPVisionModel, config.vision_config)
    projector = _PatchFeatures(part(LlavaMultiModalProjector, config))
    # No norm follows the blocks, so smaller weights keep the values of order one.
    return TransformersTower(family("llava"), TileTower(tower, projector), gain=1.0)
