"""Every metadata tensor matters: a stale one shows in the outputs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import models
from models.api import Capacity, Grid
from selftests.models.mixes import NAMES, pixels, rows_of

_PATCH_NAMES = [each for each in NAMES if models.family(each).sizes.tile is None]


def _changed(name: str, value: Tensor, rows: int) -> list[Tensor]:
    """Wrong values of the same shape and type, of the kind that a mistake would leave there.

    Offsets are wrong by one, at each boundary within the `rows` of the items.
    """
    if value.ndim == 0:
        return [torch.ones_like(value)]
    if name.startswith("cu_"):
        ends = [each for each in range(1, len(value)) if value[each - 1] < value[each] <= rows]
        return [_moved(value, each) for each in ends]
    turned = value.flip(0)
    return [value + 1 if torch.equal(turned, value) else turned]


def _moved(offsets: Tensor, index: int) -> Tensor:
    moved = offsets.clone()
    moved[index] -= 1
    return moved


@pytest.mark.parametrize("name", _PATCH_NAMES)
def test_every_metadata_tensor_matters(name: str) -> None:
    """Any one wrong tensor changes the tokens of the items by far more than a tolerance."""
    encoder = models.build(name)
    sizes = encoder.family.sizes
    frames = min(2, sizes.max_frames)
    grids = [Grid(1, 4, 10), Grid(frames, 6, 4), Grid(1, 2, 2)]
    tokens, rows = sum(map(sizes.tokens, grids)), sum(map(sizes.rows, grids))
    capacity = Capacity(tokens + 3, items=4, frames=6)
    batch = pixels(encoder.family, rows_of(sizes, capacity), seed=0)
    for backend in encoder.backends():
        metadata = encoder.metadata(grids, capacity=capacity, backend=backend)
        expected = encoder.forward(batch, metadata)[:tokens]
        for key, value in metadata.items():
            for wrong in _changed(key, value, rows):
                encoded = encoder.forward(batch, {**metadata, key: wrong})[:tokens]
                # A row left unwritten may hold a NaN, which is a change too.
                assert not (encoded - expected).abs().max() < 0.01, (backend, key)
