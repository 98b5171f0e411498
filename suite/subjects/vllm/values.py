"""What one graph reads: tensors of fixed shape at the capture, and of a batch's own size at a replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from models.api import Capacity, Encoder, Grid

GRID = "grid_thw"
Padding = Callable[[Tensor, Tensor], None]
"""Writes a batch's value into a graph's buffer, and what belongs behind it."""


def repeat_last(buffer: Tensor, value: Tensor) -> None:
    """Fills offsets: behind the value its last entry is repeated, so that the rest are segments without rows."""
    buffer[: len(value)].copy_(value)
    buffer[len(value) :].copy_(value[-1:].expand(len(buffer) - len(value)))


def count_on(buffer: Tensor, value: Tensor) -> None:
    """Fills a permutation: behind the value every place keeps its own content."""
    buffer.copy_(torch.arange(len(buffer), dtype=buffer.dtype))
    buffer[: len(value)].copy_(value)


class GraphValues:
    """The metadata that one encoder reads beside the pixels, by name."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._sizes = encoder.family.sizes
        self._like = cache(self._captured)
        unit = self._sizes.unit
        small, large = self._captured(unit, 1, 1), self._captured(2 * unit, 1, 1)
        special = {name: padding for name, value in large.items() if (padding := _padding(name, value))}
        self.names = tuple(small)
        self._limited = [name for name in special if small[name].shape == large[name].shape]
        self.growing = {name: padding for name, padding in special.items() if name not in self._limited}
        """Values that grow with the budget and that zeros behind them would spoil, with how they are padded."""

    def captured(self, budget: int, max_items: int, max_frames: int) -> dict[str, Tensor]:
        """One image that fills the budget, in the shapes that hold for every batch within the limits."""
        return {name: value.clone() for name, value in self._like(budget, max_items, max_frames).items()}

    def _captured(self, budget: int, max_items: int, max_frames: int) -> dict[str, Tensor]:
        tokens = self._whole(budget) * self._sizes.unit
        # The encoder's capacity has room for one image beside those asked for; here that image is one of them.
        frames = max(max_frames, max_items)
        values = self._encoder.metadata([], capacity=Capacity(tokens=tokens, items=max_items - 1, frames=frames - 1))
        if GRID in values:
            # Rows behind the last segment look the size of their image up: it is one more, without patches.
            values[GRID] = torch.cat([values[GRID], torch.zeros_like(values[GRID][:1])])
        return values

    def pixels(self, budget: int) -> Tensor:
        """`[rows, *row_shape]` of a full budget."""
        rows = self._whole(budget) * self._sizes.rows_per_unit
        return torch.zeros(rows, *self._encoder.family.row_shape, dtype=self._encoder.dtype)

    def _whole(self, budget: int) -> int:
        return -(-budget // self._sizes.unit)

    def of_batch(self, grids: Sequence[Grid], max_items: int, max_frames: int) -> dict[str, Tensor | None]:
        """The batch's own metadata; None for maxima, whose captured value is a bound for every batch.

        Offsets that the limits bound have the length of the capture. Where a batch has more segments than that,
        they are longer, and do not fit the buffer.
        """
        exact = self._encoder.metadata(grids)
        values: dict[str, Tensor | None] = {name: value if value.ndim else None for name, value in exact.items()}
        like = self._like(self._sizes.unit, max_items, max_frames)
        for name in self._limited:
            if len(exact[name]) < len(like[name]):
                values[name] = padded = torch.empty_like(like[name])
                repeat_last(padded, exact[name])
        return values


def _padding(name: str, value: Tensor) -> Padding | None:
    """How a value is padded for which zeros are wrong."""
    if name.startswith("cu_"):
        return repeat_last
    if value.ndim != 1 or value.is_floating_point():
        return None
    ascending = torch.arange(len(value), dtype=value.dtype)
    return count_on if torch.equal(value.sort().values, ascending) else None
