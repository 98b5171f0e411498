"""Batches for the tests of the zoo: random mixes, their pixels, and what the bare tower says of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from models.api import Capacity, Family, Grid, Sizes
from models.encoder import GenericEncoder
from models.families import FAMILIES
from models.towers import build_tower

NAMES = [each.name for each in FAMILIES]


def mix(sizes: Sizes, seed: int, *, items: int = 4, side: int = 5) -> list[Grid]:
    """One to `items` grids, up to `side` merged patches high and wide, some with several frames."""
    draw = random.Random(seed)
    return [grid(sizes, draw, side) for _ in range(draw.randint(1, items))]


def grid(sizes: Sizes, draw: random.Random, side: int) -> Grid:
    """One grid that the family accepts."""
    frames = draw.randint(1, min(3, sizes.max_frames)) if draw.random() < 0.4 else 1
    if sizes.tile is not None:
        return Grid(frames, *sizes.tile)
    return Grid(frames, sizes.merge * draw.randint(1, side), sizes.merge * draw.randint(1, side))


def roomy(sizes: Sizes, grids: Sequence[Grid], *, spare: int) -> Capacity:
    """A capacity with `spare` units more tokens than the grids have, and room for more items and frames."""
    tokens = sum(map(sizes.tokens, grids)) + spare * sizes.unit
    return Capacity(tokens, items=len(grids) + 2, frames=sum(each.frames for each in grids) + 3)


def pixels(family: Family, rows: int, seed: int) -> Tensor:
    """`[rows, *row_shape]`, normal."""
    return torch.randn(rows, *family.row_shape, generator=torch.Generator().manual_seed(seed))


def rows_of(sizes: Sizes, capacity: Capacity) -> int:
    """Input rows of a full capacity."""
    return capacity.tokens // sizes.unit * sizes.rows_per_unit


def alone(family: Family, grids: Sequence[Grid], batch: Tensor) -> Tensor:
    """`[tokens, width]`: each item of the batch alone through the bare tower."""
    tower = build_tower(family.name)
    splits = torch.split(batch, [family.sizes.rows(each) for each in grids])
    return torch.cat([tower.encode(rows, each) for rows, each in zip(splits, grids, strict=True)])


def padded(encoder: GenericEncoder, grids: Sequence[Grid], batch: Tensor, capacity: Capacity, backend: str) -> Tensor:
    """`[tokens, width]` of the items: the batch on top of foreign pixels, through the padded form."""
    sizes = encoder.family.sizes
    buffer = pixels(encoder.family, rows_of(sizes, capacity), seed=99)
    buffer[: batch.shape[0]] = batch
    encoded = encoder.forward(buffer, encoder.metadata(grids, capacity=capacity, backend=backend))
    return encoded[: sum(map(sizes.tokens, grids))]
