"""Programs that are easily taken for another: an equal class of another name, and a namesake of other numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.programs import arguments
from models.programs.program import WIDTH
from models.programs.rows import rows, weight


class Twin(arguments.Scalar):
    """`Scalar` under another name: its graph is the same, its artifacts are not (BUG-C08)."""


class Scalar(nn.Module):
    """Has the name and the operations of `arguments.Scalar`, and works in double precision."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(weight("namesake", instance).double())

    def forward(self, rows: Tensor) -> Tensor:
        """`[n, WIDTH]` in float64 to the same."""
        return functional.linear(rows, self.weight).clamp(-self.scale, self.scale) / WIDTH


def wide_rows(sizes: Sequence[int], *, seed: int, optional: bool = False) -> dict[str, Tensor]:
    """`rows [n, WIDTH]` in float64."""
    return {name: value.to(torch.float64) for name, value in rows(sizes, seed=seed, optional=optional).items()}
