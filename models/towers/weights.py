"""Random weights that keep values of order one.

Towers come with weights of standard deviation 0.02. With those a stale buffer changes the output by less than
any tolerance, and no check can see it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_JITTER = 0.1
_TABLES = ("position", "class", "cls")
"""Parts of the names of parameters that are looked up or added, and so must be of order one themselves."""


def fill(module: nn.Module, seed: int, gain: float) -> None:
    """Overwrite every parameter; the same seed gives the same weights, and `gain` scales the matrices."""
    generator = torch.Generator().manual_seed(seed)
    embeddings = {id(each.weight) for each in module.modules() if isinstance(each, nn.Embedding)}
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_table = id(parameter) in embeddings or any(word in name for word in _TABLES)
            parameter.copy_(noise if is_table else _scaled(name, noise, gain))


def _scaled(name: str, noise: Tensor, gain: float) -> Tensor:
    if noise.ndim == 1:
        return noise * _JITTER + (0 if name.endswith("bias") else 1)
    return noise * (gain / math.sqrt(noise[0].numel()))
