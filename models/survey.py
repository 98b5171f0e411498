"""What one tower needs from an adapter, observed once per tower with sound parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property

import torch
from torch import Tensor, nn

from models.api import Capacity, Family, Grid, Sizes
from models.attention import SegmentedAttention
from models.backends import BACKENDS, Backend, is_offsets
from models.discovery import GRID, Recipe, discover
from models.towers.base import Tower

_CLOSE = 1e-4
"""Largest difference between two ways through one tower: values are of order one, arithmetic is float32."""

_NOT_ACCEPTED = (ValueError, TypeError, RuntimeError, IndexError)


class Count(Enum):
    """What the number of segments in an offsets tensor follows."""

    ITEMS = "items"
    FRAMES = "frames"
    TOKENS = "tokens"

    def most(self, capacity: Capacity) -> int:
        """The most segments that batches of this capacity can have, the remainder image included.

        A segment holds one token or more, so their number is never above the tokens.
        """
        if self is Count.TOKENS:
            return capacity.tokens
        return (capacity.items if self is Count.ITEMS else capacity.frames) + 1


@dataclass(frozen=True)
class Survey:
    """How to compute a tower's metadata, how long its offsets can get, and what else the tower takes."""

    recipe: Recipe
    counts: Mapping[str, Count]
    """For each offsets tensor."""
    reads_grid: bool
    """Whether the forward reads the grid tensor although all metadata is given."""
    backends: tuple[str, ...]
    """Attention back ends that give the tower's values."""

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of all metadata that the forward needs, whatever the back end."""
        found = {name for step in self.recipe.steps for name in step.names}
        return frozenset(found | {GRID} if self.reads_grid else found)


@cache
def survey(tower: Tower) -> Survey:
    """Watch the tower on a few small batches.

    Raises:
        DiscoveryError: the tower computes metadata in a way that cannot be repeated for other grids.
    """
    module = tower.fork(SegmentedAttention())
    grids = _batches(tower.family.sizes)[-1]
    recipe = discover(module, _pixels(tower.family, grids[:1]), grids[0])
    look = _Look(tower.family, module, recipe, grids)
    backends = tuple(each.name for each in BACKENDS if look.serves(each))
    return Survey(recipe, _counts(recipe, tower.family.sizes), look.reads_grid(), backends)


@dataclass(frozen=True)
class _Look:
    """One batch through one tower, in several ways."""

    family: Family
    module: nn.Module
    recipe: Recipe
    grids: Sequence[Grid]

    def reads_grid(self) -> bool:
        """Whether the values change when the grid tensor is not the batch's."""
        return not self._same({**self.recipe.values(self.grids), GRID: torch.ones(1, 3, dtype=torch.int64)})

    def serves(self, backend: Backend) -> bool:
        """Whether the back end's metadata can be built and gives the same values."""
        try:
            return self._same(backend.rewrite(self.recipe.values(self.grids)))
        except ValueError:
            return False

    def _same(self, metadata: dict[str, Tensor]) -> bool:
        # Whatever a tower does with a wrong grid or foreign metadata, it means that it does not take it.
        try:
            encoded = self._encode(metadata)
        except _NOT_ACCEPTED:
            return False
        expected = self._encode(self.recipe.values(self.grids))
        return encoded.shape == expected.shape and torch.allclose(encoded, expected, rtol=0, atol=_CLOSE)

    def _encode(self, metadata: dict[str, Tensor]) -> Tensor:
        pixels = _pixels(self.family, self.grids)
        with torch.no_grad():
            encoded: Tensor = self.module(pixels, **metadata)
        return encoded


def _counts(recipe: Recipe, sizes: Sizes) -> dict[str, Count]:
    """For each offsets tensor the first rule that holds on every batch."""
    batches = _batches(sizes)
    values = [recipe.values(grids) for grids in batches]
    counts = {}
    for name in filter(is_offsets, values[0]):
        segments = [each[name].shape[0] - 1 for each in values]
        if segments == [len(grids) for grids in batches]:
            counts[name] = Count.ITEMS
        elif segments == [sum(each.frames for each in grids) for grids in batches]:
            counts[name] = Count.FRAMES
        else:
            counts[name] = Count.TOKENS
    return counts


def _batches(sizes: Sizes) -> list[list[Grid]]:
    """Small batches that tell items, frames and windows apart; the last has several items, none square."""
    frames = min(2, sizes.max_frames)
    if sizes.tile is not None:
        return [[Grid(1, *sizes.tile)], [Grid(frames, *sizes.tile), Grid(1, *sizes.tile)]]
    side = sizes.merge
    wide, tall = Grid(1, side, 8 * side), Grid(1, 6 * side, 2 * side)
    return [[wide], [Grid(1, 8 * side, 8 * side)], [tall, Grid(frames, 2 * side, 3 * side), wide]]


def _pixels(family: Family, grids: Sequence[Grid]) -> Tensor:
    rows = sum(map(family.sizes.rows, grids))
    return torch.randn(rows, *family.row_shape, generator=torch.Generator().manual_seed(0))
