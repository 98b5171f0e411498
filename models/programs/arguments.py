"""Programs that bake what they are given or find: an optional tensor, a Python number, an environment variable."""

from __future__ import annotations

import os

from torch import Tensor, nn
from torch.nn import functional

from models.programs.program import WIDTH
from models.programs.rows import weight
from models.programs.seam import seam

VARIABLE = "LOCKSTEP_PROGRAM_VARIANT"
"""The environment variable that a program reads while it is traced."""
VARIANTS = ("", "double", "negate")
"""Values that change what it computes."""


class Optional(nn.Module):
    """A forward that is another program when its second tensor is given (BUG-C01)."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.weight = weight("optional", instance)

    def forward(self, rows: Tensor, bias: Tensor | None = None) -> Tensor:
        """`rows [n, WIDTH]` and perhaps `bias [n, WIDTH]` to `[n, WIDTH]`."""
        mapped = functional.linear(rows, self.weight)
        return mapped.tanh() if bias is None else seam(mapped + bias)


class Scalar(nn.Module):
    """A forward with a Python number in it."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.scale = scale
        self.weight = weight("scalar", instance)

    def forward(self, rows: Tensor) -> Tensor:
        """`[n, WIDTH]` to the same."""
        return functional.linear(rows, self.weight).clamp(-self.scale, self.scale) / WIDTH


class Environment(nn.Module):
    """A forward that asks the environment which variant it is (BUG-C14)."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.weight = weight("environment", instance)

    def forward(self, rows: Tensor) -> Tensor:
        """`[n, WIDTH]` to the same."""
        mapped = functional.linear(rows, self.weight)
        variant = os.environ.get(VARIABLE, "")
        if variant == "double":
            return mapped * 2
        return -mapped if variant == "negate" else mapped
