"""Programs of blocks: attention inside items, equal blocks, and blocks that differ in a constant alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.programs.program import WIDTH
from models.programs.rows import apart, weight
from models.programs.seam import seam

_HEADS = 2


class _Attention(nn.Module):
    """One block: rows of an item see each other, rows of two items do not."""

    def __init__(self, instance: int, layer: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.qkv = weight("qkv", instance, layer=layer, outputs=3 * WIDTH)
        self.out = weight("out", instance, layer=layer)

    def forward(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """`rows [n, WIDTH]` and `hidden [n, n]` to `[n, WIDTH]`."""
        qkv = functional.linear(rows * self.scale, self.qkv)
        query, key, value = qkv.view(-1, 3, _HEADS, WIDTH // _HEADS).permute(1, 2, 0, 3).unbind(0)
        scores = (query @ key.transpose(1, 2)).masked_fill(hidden, float("-inf"))
        mixed = seam(scores.softmax(-1) @ value)
        return rows + functional.linear(mixed.transpose(0, 1).reshape(-1, WIDTH), self.out).tanh()


class Block(nn.Module):
    """`depth` equal blocks with weights of their own."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Attention(instance, layer, scale) for layer in range(depth))

    def forward(self, rows: Tensor, offsets: Tensor) -> Tensor:
        """`rows [n, WIDTH]` and `offsets [items + 1]` to `[n, WIDTH]`."""
        hidden = apart(offsets, rows.shape[0])
        for layer in self.layers:
            rows = layer(rows, hidden)
        return rows


class _Constant(nn.Module):
    """The same operations in every layer, with other numbers (BUG-C06)."""

    def __init__(self, layer: int, scale: float) -> None:
        super().__init__()
        self.factor = scale * (1 + 0.5 * layer)
        self.shift = 1 + layer

    def forward(self, rows: Tensor) -> Tensor:
        """`[n, WIDTH]` to the same."""
        scaled = seam(rows) * self.factor
        return torch.cat([scaled[:, self.shift :], scaled[:, : self.shift]], dim=1).sin() + rows


class Constants(nn.Module):
    """`depth` layers without weights that differ in a factor and in in how far channels are turned."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.weight = weight("constants", instance)
        self.layers = nn.ModuleList(_Constant(layer, scale) for layer in range(depth))

    def forward(self, rows: Tensor) -> tuple[Tensor, ...]:
        """`[n, WIDTH]` to what each layer gives."""
        outputs = []
        rows = functional.linear(rows, self.weight)
        for layer in self.layers:
            rows = layer(rows)
            outputs.append(rows)
        return tuple(outputs)


class Seams(nn.Module):
    """Two seams with another operation after each: their order shows."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = weight("first", instance)
        self.second = weight("second", instance)

    def forward(self, rows: Tensor) -> Tensor:
        """`[n, WIDTH]` to the same."""
        once = seam(functional.linear(rows, self.first)) * self.scale + rows
        twice: Tensor = seam(functional.linear(once.tanh(), self.second)) - once
        return twice
