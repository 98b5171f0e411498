"""What a tower is: one module, its family, and the bare call."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor, nn

from models.api import Family, Grid


class AttentionFunction(Protocol):
    """Attention as transformers calls it: `[batch, heads, rows, dim]` to `[batch, rows, heads, dim]`.

    Must be hashable: equal functions share one registration.
    """

    def __call__(
        self,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        scaling: float | None = None,
        dropout: float = 0.0,
        *,
        cu_seq_lens_q: Tensor | None = None,
        max_length_q: Tensor | int | None = None,
        sequence_lengths: Tensor | None = None,
        **metadata: object,
    ) -> tuple[Tensor, Tensor | None]:
        """Three times `[batch, heads, rows, dim]` to `[batch, rows, heads, dim]`, and weights or None."""
        ...


class Tower(ABC):
    """A vision tower with plain attention: `module(pixels, grid_thw, **metadata) -> [tokens, width]`."""

    def __init__(self, family: Family, module: nn.Module) -> None:
        self.family = family
        self.module = module.eval().requires_grad_(False)

    def encode(self, pixels: Tensor, grid: Grid) -> Tensor:
        """`[rows, *row_shape]` to `[tokens, width]`: one item alone, nothing computed beforehand."""
        sides = [[grid.frames, grid.height, grid.width]]
        with torch.no_grad():
            encoded: Tensor = self.module(pixels, torch.tensor(sides, device=pixels.device))
        return encoded

    def fork(self, attention: AttentionFunction) -> nn.Module:
        """A separate module with equal weights that attends through `attention`."""
        module = copy.deepcopy(self.module)
        self._attend(module, attention)
        return module

    def to(self, device: str) -> Tower:
        """A copy of this tower on another device."""
        twin = copy.copy(self)
        twin.module = copy.deepcopy(self.module).to(device)
        return twin

    @abstractmethod
    def _attend(self, module: nn.Module, attention: AttentionFunction) -> None:
        """Make the module attend through `attention`, and hand it the sequence metadata."""
