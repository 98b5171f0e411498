"""Any encoder of the zoo as a model that the manager can graph (SPEC G2, G9). Qwen3-VL is one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from models.api import Capacity, Encoder, Grid, Item
from reference.encoder_graph.config import ConfigError
from reference.encoder_graph.protocol import EncoderItemSpec, ModelGraphConfig

PIXELS = "pixels"
MAX_ITEMS_OF_RANGE = 64
"""The inferred ladder reaches up to this many of the model's smallest items."""


class EncoderGraphModel:
    """Wraps an encoder; its `metadata` is the one place that eager, capture and replay share (SPEC G9).

    Raises:
        ConfigError: the encoder cannot build the metadata of the attention back end (SPEC G10).
    """

    def __init__(self, encoder: Encoder, *, backend: str = "flash") -> None:
        if backend not in encoder.backends():
            raise ConfigError(
                f"mm_encoder_attn_backend={backend!r}: {encoder.family.name} can build metadata for "
                f"{', '.join(encoder.backends())} only."
            )
        self._encoder = encoder
        self._sizes = encoder.family.sizes
        self._backend = backend

    def get_encoder_cudagraph_config(self) -> ModelGraphConfig:
        """Static facts of the encoder."""
        family = self._encoder.family
        probe = self.prepare_encoder_cudagraph_capture_inputs(Capacity(tokens=family.sizes.unit, items=1, frames=1))
        return ModelGraphConfig(
            modalities=family.modalities,
            input_key=PIXELS,
            buffer_keys=frozenset(probe),
            out_hidden_size=family.width,
            backends=self._encoder.backends(),
            max_frames_per_item=1 if family.sizes.tile else family.sizes.max_frames,
        )

    def get_encoder_cudagraph_budget_range(self) -> tuple[int, int]:
        """From the smallest item to 64 of them."""
        return self._sizes.unit, self._sizes.unit * MAX_ITEMS_OF_RANGE

    def get_encoder_cudagraph_item_specs(self, items: Sequence[Item]) -> list[EncoderItemSpec]:
        """What each item asks of a graph; tiles are rows, not frames.

        Raises:
            ValueError: an item has more or fewer rows than its grid: the rows of all items after it would shift.
        """
        for index, item in enumerate(items):
            if len(item.pixels) != self._sizes.rows(item.grid):
                raise ValueError(
                    f"item {index} has {len(item.pixels)} rows of pixels, but its grid {item.grid} has "
                    f"{self._sizes.rows(item.grid)}: give pixels and grid of the same image."
                )
        return [
            EncoderItemSpec(
                input_size=self._sizes.rows(item.grid),
                output_tokens=self._sizes.tokens(item.grid),
                frames=1 if self._sizes.tile else item.grid.frames,
            )
            for item in items
        ]

    def get_encoder_cudagraph_capacity(self, budget: int, *, max_items: int, max_frames: int) -> Capacity:
        """Tokens rounded up to whole items, never down (BUG-E09)."""
        units = -(-budget // self._sizes.unit)
        return Capacity(tokens=units * self._sizes.unit, items=max_items, frames=max_frames)

    def select_encoder_cudagraph_items(self, items: Sequence[Item], indices: Sequence[int]) -> list[Item]:
        """The sub-batch of those items, in that order."""
        return [items[index] for index in indices]

    def prepare_encoder_cudagraph_capture_inputs(self, capacity: Capacity) -> dict[str, Tensor]:
        """Zeros for pixels, and the metadata of an empty batch filled up with remainder images."""
        rows = capacity.tokens // self._sizes.unit * self._sizes.rows_per_unit
        pixels = torch.zeros(rows, *self._encoder.family.row_shape, dtype=self._encoder.dtype)
        return {PIXELS: pixels, **self._metadata([], capacity)}

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        """The items' pixels one after the other, and metadata padded to the capacity."""
        pixels = torch.cat([item.pixels for item in items]).to(self._encoder.dtype)
        return {PIXELS: pixels, **self._metadata([item.grid for item in items], capacity)}

    def encoder_cudagraph_forward(self, buffers: Mapping[str, Tensor]) -> Tensor:
        """`[tokens, out_hidden_size]` from buffers alone."""
        metadata = {name: buffer for name, buffer in buffers.items() if name != PIXELS}
        return self._encoder.forward(buffers[PIXELS], metadata)

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        """One `[tokens, out_hidden_size]` per item; the batch is encoded at its exact size."""
        grids = [item.grid for item in items]
        device = self._encoder.device
        pixels = torch.cat([item.pixels for item in items]).to(device, self._encoder.dtype)
        metadata = self._encoder.metadata(grids, backend=self._backend)
        outputs = self._encoder.forward(pixels, {name: value.to(device) for name, value in metadata.items()})
        return list(outputs.split([self._sizes.tokens(grid) for grid in grids]))

    def _metadata(self, grids: Sequence[Grid], capacity: Capacity) -> dict[str, Tensor]:
        return self._encoder.metadata(grids, capacity=capacity, backend=self._backend)
