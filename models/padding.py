"""How metadata is brought to shapes that depend on the capacity alone. Each class has one job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.api import Capacity, Grid, Sizes


@dataclass(frozen=True)
class RemainderImage:
    """The rest of a capacity is one more image, so that every metadata tensor is right by construction."""

    def grids(self, grids: Sequence[Grid], capacity: Capacity, sizes: Sizes) -> list[Grid]:
        """The grids and, unless they fill the capacity exactly, one image for the tokens left over."""
        left = capacity.tokens - sum(map(sizes.tokens, grids))
        return [*grids, self.image(left, sizes)] if left else list(grids)

    def image(self, tokens: int, sizes: Sizes) -> Grid:
        """One image of that many tokens: a strip one token high (or as many tiles)."""
        if sizes.tile is not None:
            return Grid(tokens // sizes.tokens_per_tile, *sizes.tile)
        return Grid(1, sizes.merge, tokens * sizes.merge)


@dataclass(frozen=True)
class RepeatLast:
    """Offsets of variable count end in repetitions of the last one: segments without rows."""

    def pad(self, offsets: Tensor, length: int) -> Tensor:
        """`[count]` to `[length]`."""
        return torch.cat([offsets, offsets[-1:].expand(length - offsets.shape[0])])


@dataclass(frozen=True)
class ZeroGrids:
    """A grid tensor ends in rows of zeros: items without patches."""

    def pad(self, grid_thw: Tensor, items: int) -> Tensor:
        """`[count, 3]` to `[items, 3]`."""
        return torch.cat([grid_thw, grid_thw.new_zeros(items - grid_thw.shape[0], 3)])


@dataclass(frozen=True)
class WholeCapacity:
    """A maximum that must hold for every batch: no segment is longer than all rows."""

    def bound(self, longest: Tensor, rows: int) -> Tensor:
        """A value like `longest`, at least as large, that depends on `rows` alone."""
        return torch.full_like(longest, rows)
