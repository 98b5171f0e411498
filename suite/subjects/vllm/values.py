"""What one graph reads: tensors of fixed shape at the capture, and of a batch's own size at a replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
    """The tensors of one encoder, by name: the metadata that it reads, and the pixels."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._sizes = encoder.family.sizes

    def captured(self, budget: int, *, max_items: int, max_frames: int) -> dict[str, Tensor]:
        """One image that fills the budget, in the shapes that hold for every batch within the limits."""
        unit = self._sizes.unit
        tokens = -(-budget // unit) * unit
        # The encoder's capacity has room for one image beside those asked for; here that image is one of them.
        frames = max(max_frames, max_items)
        values = self._encoder.metadata([], capacity=Capacity(tokens=tokens, items=max_items - 1, frames=frames - 1))
        if GRID in values:
            # Rows behind the last segment look the size of their image up: it is one more, without patches.
            values[GRID] = torch.cat([values[GRID], torch.zeros_like(values[GRID][:1])])
        return values

    def pixels(self, budget: int) -> Tensor:
        """`[rows, *row_shape]` of a full budget."""
        sizes, family = self._sizes, self._encoder.family
        return torch.zeros(-(-budget // sizes.unit) * sizes.rows_per_unit, *family.row_shape, dtype=self._encoder.dtype)

    def of_batch(self, grids: Sequence[Grid]) -> dict[str, Tensor | None]:
        """The batch's own metadata, unpadded; None for maxima, whose captured value is a bound for every batch."""
        exact = self._encoder.metadata(grids)
        return {name: value if value.ndim else None for name, value in exact.items()}


def paddings(captured: Mapping[str, Tensor]) -> dict[str, Padding]:
    """How the values are padded for which zeros are wrong, by name; the engine pads all others with zeros."""
    offsets: dict[str, Padding] = {name: repeat_last for name in captured if name.startswith("cu_")}
    return offsets | {name: count_on for name, value in captured.items() if _is_permutation(value)}


def _is_permutation(value: Tensor) -> bool:
    """Whether it holds each place once, as an index does that the encoder inverts."""
    if value.ndim != 1 or value.is_floating_point():
        return False
    return torch.equal(value.sort().values, torch.arange(len(value), dtype=value.dtype))
