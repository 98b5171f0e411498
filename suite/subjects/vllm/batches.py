"""A batch as vLLM's processors hand it to a model: rows of all items in one tensor, and their grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from models.api import Grid, Item, Sizes

MmKwargs = dict[str, Any]
"""One batch of one modality: `pixel_values [rows, *row_shape]` and `image_grid_thw [items, 3]`, or those of videos."""
PIXELS = {"image": "pixel_values", "video": "pixel_values_videos"}
GRIDS = {"image": "image_grid_thw", "video": "video_grid_thw"}
ITEMS = "lockstep_items"
"""The items themselves, which ride along to be recognised; no model needs them."""


def mm_kwargs_of(items: Sequence[Item]) -> MmKwargs:
    """The batch of items of one modality. A single item is handed over without a copy, as the engine does."""
    modality = items[0].modality
    pixels = items[0].pixels if len(items) == 1 else torch.cat([item.pixels for item in items])
    grids = torch.tensor([[item.grid.frames, item.grid.height, item.grid.width] for item in items])
    return {PIXELS[modality]: pixels, GRIDS[modality]: grids, ITEMS: tuple(items)}


def modality_of(mm_kwargs: MmKwargs) -> str:
    """By the key of the pixels."""
    return next(modality for modality, key in PIXELS.items() if key in mm_kwargs)


def pixels_of(mm_kwargs: MmKwargs) -> Tensor:
    """`[rows, *row_shape]`."""
    pixels: Tensor = mm_kwargs[PIXELS[modality_of(mm_kwargs)]]
    return pixels


def grids_of(mm_kwargs: MmKwargs) -> list[Grid]:
    """One per item."""
    return [Grid(*sides) for sides in mm_kwargs[GRIDS[modality_of(mm_kwargs)]].tolist()]


def chosen(mm_kwargs: MmKwargs, indices: Sequence[int], sizes: Sizes) -> MmKwargs:
    """The batch of those items alone, in that order: rows cut out of the whole batch's."""
    modality = modality_of(mm_kwargs)
    parts = pixels_of(mm_kwargs).split([sizes.rows(grid) for grid in grids_of(mm_kwargs)])
    pixels = torch.cat([parts[index] for index in indices]) if indices else pixels_of(mm_kwargs)[:0]
    return {PIXELS[modality]: pixels, GRIDS[modality]: mm_kwargs[GRIDS[modality]][list(indices)]}
