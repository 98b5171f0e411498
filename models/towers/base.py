"""What a tower is: one module, its family, and the bare call."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.api import Family, Grid


@dataclass(frozen=True)
class Sequences:
    """Where the sequences of a batch lie, as variable-length attention is told; nothing: it is one sequence."""

    offsets: Tensor | None = None
    """`[sequences + 1]`, or the packed sections of the bucketed back end."""
    longest: Tensor | int | None = None
    """Rows of the longest sequence, or a bound of it."""
    lengths: Tensor | None = None
    """`[bucket]`, for the bucketed back end alone."""


class AttentionFunction(ABC):
    """Attention in the calling convention of transformers, which is written down here and nowhere else.

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
        *,
        cu_seq_lens_q: Tensor | None = None,
        max_length_q: Tensor | int | None = None,
        sequence_lengths: Tensor | None = None,
        **ignored: object,
    ) -> tuple[Tensor, None]:
        """Three times `[batch, heads, rows, dim]` to `[batch, rows, heads, dim]`, and no weights."""
        sequences = Sequences(cu_seq_lens_q, max_length_q, sequence_lengths)
        return self.attend(query, key, value, scaling, sequences).transpose(1, 2), None

    @abstractmethod
    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None, sequences: Sequences) -> Tensor:
        """Three times `[batch, heads, rows, dim]` to the same, mixed within each sequence."""


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
