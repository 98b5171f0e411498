"""An encoder of the zoo behind vLLM's encoder-graph protocol: one class per dialect, made of shared parts."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from models.api import Encoder
from suite.subjects.vllm.batches import PIXELS, MmKwargs, chosen, grids_of, modality_of, pixels_of
from suite.subjects.vllm.dialect import Dialect
from suite.subjects.vllm.values import GraphValues

PIXEL_BUFFER = PIXELS["image"]
LARGEST = 64
"""The range of useful budgets ends at so many of the smallest items, as the reference's does."""


class ZooModel:
    """What all dialects share."""

    def __init__(self, encoder: Encoder, shapes: ModuleType) -> None:
        self._encoder = encoder
        self._shapes = shapes
        self._sizes = encoder.family.sizes
        self._values = GraphValues(encoder)
        self.range = (self._sizes.unit, self._sizes.unit * LARGEST)
        """The range of useful budgets that the model states, in tokens."""

    def get_encoder_cudagraph_config(self) -> object:
        """What the manager must know of the model at its start."""
        return self._shapes.EncoderCudaGraphConfig(
            modalities=list(self._encoder.family.modalities),
            buffer_keys=list(self._values.names),
            out_hidden_size=self._encoder.family.width,
            **self._more_config(),
        )

    def _more_config(self) -> dict[str, object]:
        return {"max_frames_per_video": self.get_max_frames_per_video()}

    def get_input_modality(self, mm_kwargs: MmKwargs) -> str:
        """By the key of the pixels."""
        return modality_of(mm_kwargs)

    def get_max_frames_per_video(self) -> int:
        """Of the longest clip that the family takes."""
        return self._sizes.max_frames if "video" in self._encoder.family.modalities else 1

    def get_encoder_cudagraph_budget_range(self, _config: object) -> tuple[int, int]:
        """From the smallest item to 64 of them, unless a law puts another range there."""
        return self.range

    def get_encoder_cudagraph_item_specs(self, mm_kwargs: MmKwargs) -> list[Any]:
        """Input rows and output tokens of each item."""
        spec = self._shapes.EncoderItemSpec
        return [spec(self._sizes.rows(grid), self._sizes.tokens(grid)) for grid in grids_of(mm_kwargs)]

    def select_encoder_cudagraph_items(self, mm_kwargs: MmKwargs, indices: Sequence[int]) -> MmKwargs:
        """The batch of those items alone."""
        return chosen(mm_kwargs, indices, self._sizes)

    def encoder_eager_forward(self, mm_kwargs: MmKwargs, path: str = "default") -> Tensor:
        """`[tokens, width]` of the batch, on metadata that describes it exactly."""
        return self._encoder.forward(pixels_of(mm_kwargs), self._encoder.metadata(grids_of(mm_kwargs)))


class TwoMappings(ZooModel):
    """Dialect B: pixels and metadata are two mappings, and the model itself pads what zeros would spoil."""

    def __init__(self, encoder: Encoder, shapes: ModuleType) -> None:
        super().__init__(encoder, shapes)
        self._graphs: dict[int, dict[str, Tensor]] = {}

    def _more_config(self) -> dict[str, object]:
        return {**super()._more_config(), "input_key_by_modality": PIXELS}

    def prepare_encoder_cudagraph_capture_inputs(
        self, budget: int, max_items: int, max_frames: int, _device: object, _dtype: object
    ) -> object:
        """Pixels of a full budget, and the metadata beside them."""
        values = self._graphs[budget] = self._values.captured(budget, max_items, max_frames)
        shape = self._shapes.EncoderCudaGraphCaptureInputs
        return shape(mm_kwargs={PIXEL_BUFFER: self._values.pixels(budget)}, buffers=values)

    def prepare_encoder_cudagraph_replay_buffers(self, mm_kwargs: MmKwargs, max_items: int, max_frames: int) -> object:
        """The batch's metadata; what grows with the budget in the length of the smallest graph that holds the batch."""
        grids = grids_of(mm_kwargs)
        values = self._values.of_batch(grids, max_items, max_frames)
        needed = sum(map(self._sizes.tokens, grids))
        buffers = next(self._graphs[budget] for budget in sorted(self._graphs) if budget >= needed)
        for name, pad in self._values.growing.items():
            value = values[name]
            if value is not None:
                values[name] = padded = torch.empty_like(buffers[name])
                pad(padded, value)
        return self._shapes.EncoderCudaGraphReplayBuffers(buffers=values)

    def encoder_cudagraph_forward(self, mm_kwargs: MmKwargs, buffers: dict[str, Tensor]) -> Tensor:
        """`[tokens, width]` of what the buffers hold."""
        return self._encoder.forward(mm_kwargs[PIXEL_BUFFER], buffers)


class PerItemNumbers(TwoMappings):
    """Dialect A: as B, but each number of an item has a method of its own."""

    def _more_config(self) -> dict[str, object]:
        return {"input_key_by_modality": PIXELS}

    def get_encoder_cudagraph_num_items(self, mm_kwargs: MmKwargs) -> int:
        """How many items the batch has."""
        return len(grids_of(mm_kwargs))

    def get_encoder_cudagraph_per_item_output_tokens(self, mm_kwargs: MmKwargs) -> list[int]:
        """Output tokens of each item."""
        return [self._sizes.tokens(grid) for grid in grids_of(mm_kwargs)]

    def get_encoder_cudagraph_per_item_input_sizes(self, mm_kwargs: MmKwargs) -> list[int]:
        """Input rows of each item."""
        return [self._sizes.rows(grid) for grid in grids_of(mm_kwargs)]


class OneMapping(ZooModel):
    """Dialects C to E: one mapping, padded by the engine, by functions of the model where zeros would be wrong."""

    def _more_config(self) -> dict[str, object]:
        return {**super()._more_config(), "padding_logics": self._values.growing}

    def prepare_encoder_cudagraph_capture_inputs(
        self, budget: int, max_items: int, max_frames: int, _device: object, _dtype: object, *_path: object
    ) -> object:
        """Pixels and metadata of a full budget."""
        values = self._values.captured(budget, max_items, max_frames)
        shape = self._shapes.EncoderCudaGraphCaptureInputs
        return shape(values={PIXEL_BUFFER: self._values.pixels(budget), **values})

    def prepare_encoder_cudagraph_replay_buffers(
        self, mm_kwargs: MmKwargs, max_items: int, max_frames: int, _path: str = "default"
    ) -> object:
        """The batch's pixels and metadata."""
        values = self._values.of_batch(grids_of(mm_kwargs), max_items, max_frames)
        return self._shapes.EncoderCudaGraphReplayBuffers(values={PIXEL_BUFFER: pixels_of(mm_kwargs), **values})

    def encoder_cudagraph_forward(self, inputs: dict[str, Tensor], path: str = "default") -> Tensor:
        """`[tokens, width]` of what the buffers hold; the mapping is the engine's, and is left as it is."""
        metadata = dict(inputs)
        return self._encoder.forward(metadata.pop(PIXEL_BUFFER), metadata)


def zoo_model(
    encoder: Encoder, *, dialect: Dialect, protocol: type, shapes: ModuleType, part: type | None = None
) -> ZooModel:
    """The encoder in a dialect, as a class derived from the engine's own protocol, whose defaults it takes over.

    `part` stands before it: what that class overrides is its own.
    """
    kind = PerItemNumbers if dialect.counts_items else OneMapping if dialect.one_mapping else TwoMappings
    before = () if part is None else (part,)
    made: ZooModel = type(f"Zoo{kind.__name__}", (*before, kind, protocol), {})(encoder, shapes)
    return made
