"""Programs whose outputs are about memory: views, aliases, strides, dtypes, and inputs that are written."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.programs.program import WIDTH
from models.programs.rows import weight
from models.programs.seam import seam

Pair = tuple[Tensor, Tensor]
Triple = tuple[Tensor, Tensor, Tensor]


class _Weighted(nn.Module):
    """Holds what every program here has."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.scale = scale
        self.weight = weight(type(self).__name__, instance)

    def map(self, rows: Tensor) -> Tensor:
        """`[n, WIDTH]` to the same, through the weights."""
        return functional.linear(rows, self.weight)


class View(_Weighted):
    """Returns a view of its input beside a result."""

    def forward(self, rows: Tensor) -> Pair:
        """`rows [n, WIDTH]` to `[n, 4]` that shares its memory, and `[n, WIDTH]` that does not."""
        return rows[:, 2:6], seam(self.map(rows)).tanh()


class Aliases(_Weighted):
    """Returns its input itself, and one result twice in two shapes."""

    def forward(self, rows: Tensor) -> Triple:
        """`rows [n, WIDTH]`, `[n, WIDTH]` and the same memory as `[n, 2, WIDTH / 2]`."""
        mapped = seam(self.map(rows)) + 1
        return rows, mapped, mapped.view(-1, 2, WIDTH // 2)


class Mutates(_Weighted):
    """Writes into its input before and after a seam."""

    def forward(self, rows: Tensor) -> Tensor:
        """`rows [n, WIDTH]`, scaled in place and raised in two channels, to `[n, WIDTH]`."""
        rows.mul_(self.scale + 1)
        mapped = seam(self.map(rows))
        rows[:, 1:3].add_(mapped[:, 1:3])
        product: Tensor = mapped * rows.cos()
        return product


class Strided(_Weighted):
    """Returns results whose memory is in another order than their dimensions."""

    def forward(self, rows: Tensor) -> Triple:
        """`rows [n, WIDTH]` to `[WIDTH, n]`, `[2, n, WIDTH / 2]` and `[n, WIDTH / 2]`, none contiguous."""
        mapped = seam(self.map(rows))
        heads = mapped.sin().view(-1, 2, WIDTH // 2).transpose(0, 1)
        return mapped.cos().t(), heads, (mapped * 2)[:, ::2]


class Dtypes(_Weighted):
    """Returns results of four dtypes."""

    def forward(self, rows: Tensor) -> tuple[Tensor, ...]:
        """`rows [n, WIDTH]` to float32 and bfloat16 `[n, WIDTH]`, int64 `[n]` and bool `[n, WIDTH]`."""
        mapped = seam(self.map(rows))
        numbers = torch.arange(rows.shape[0], device=rows.device) * 3 + 1
        return mapped, mapped.to(torch.bfloat16), numbers, rows > 0


class Outputs(_Weighted):
    """Returns three results of three shapes."""

    def forward(self, rows: Tensor) -> Triple:
        """`rows [n, WIDTH]` to `[n, WIDTH]`, `[n]` and `[WIDTH]`."""
        mapped = seam(self.map(rows)) * self.scale
        return mapped, mapped.square().sum(1), mapped.sum(0)
