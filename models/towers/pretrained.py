"""Towers of transformers, with plain attention or with an attention function of ours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from models.api import Family
from models.towers.base import AttentionFunction, Tower
from models.towers.weights import fill

_SEED = 20261
_names: dict[AttentionFunction, str] = {}
_naming = threading.Lock()


class TransformersTower(Tower):
    """A tower whose attention is chosen by the configuration of its parts."""

    def __init__(self, family: Family, module: nn.Module, *, gain: float = 1.5) -> None:
        fill(module, _SEED, gain)
        super().__init__(family, module)

    def _attend(self, module: nn.Module, attention: AttentionFunction) -> None:
        name = _registered(attention)
        for part in module.modules():
            config = getattr(part, "config", None)
            if isinstance(config, PreTrainedConfig):
                # The public setter looks every name with "flash" up on a hub.
                config._attn_implementation = name  # noqa: SLF001  (the reason is above)


class PatchTower(nn.Module):
    """A tower that takes patches and their grids; extra outputs stand beside the merged ones."""

    def __init__(self, tower: PreTrainedModel, projector: nn.Module | None = None) -> None:
        super().__init__()
        self.tower = tower
        self.projector = projector or nn.Identity()

    def forward(self, pixels: Tensor, grid_thw: Tensor, **metadata: Tensor) -> Tensor:
        """`[patches, *row_shape]` and `[items, 3]` to `[tokens, width]`."""
        output = self.tower(pixels, grid_thw=grid_thw, **metadata)
        merged = self.projector(output.pooler_output).flatten(1)
        return torch.cat([merged, *getattr(output, "deepstack_features", [])], dim=-1)


class TileTower(nn.Module):
    """A tower that takes tiles of one size, and what makes language tokens of its features."""

    def __init__(self, tower: PreTrainedModel, projector: nn.Module) -> None:
        super().__init__()
        self.tower = tower
        self.projector = projector

    def forward(self, pixels: Tensor, grid_thw: Tensor) -> Tensor:
        """`[tiles, channels, height, width]` to `[tokens, width]`; the grids add nothing."""
        features = self.tower(pixels).last_hidden_state
        tokens: Tensor = self.projector(features).flatten(0, 1)
        return tokens


def bare(model: type[PreTrainedModel], config: object) -> PreTrainedModel:
    """An instance as a user makes it, with the attention that transformers chooses (torch's own).

    Raises:
        TypeError: `config` is not one: a part of a larger configuration is only typed as perhaps one.
    """
    if not isinstance(config, PreTrainedConfig):
        raise TypeError(f"{model.__name__} is built from a PreTrainedConfig, not a {type(config).__name__}.")
    return model(config)


def part(module: Callable[[Any], nn.Module], config: PreTrainedConfig) -> nn.Module:
    """A module of a larger model; some of their constructors carry no types."""
    return module(config)


def _registered(attention: AttentionFunction) -> str:
    """A name for the function. It contains "flash": only then do towers hand over `cu_seqlens`."""
    with _naming:
        if attention not in _names:
            _names[attention] = f"lockstep_flash_{len(_names)}"
            ALL_ATTENTION_FUNCTIONS.register(_names[attention], attention)
        return _names[attention]
