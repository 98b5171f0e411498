"""An encoder of the zoo behind vLLM's encoder-graph protocol: one class per dialect, made of shared parts."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

import models
from models.api import Encoder, Item
from suite.subjects.observation import Observer
from suite.subjects.vllm.dialect import Dialect
from suite.subjects.vllm.values import GraphValues, paddings

MmKwargs = dict[str, Any]
"""One batch of one modality: pixels under the modality's key, and the items themselves, which the engine hands on."""
INPUT_KEYS = {"image": "pixel_values", "video": "pixel_values_videos"}
PIXELS = INPUT_KEYS["image"]
ITEMS = "lockstep_items"
LARGEST = 64
"""The range of useful budgets ends at so many of the smallest items, as the reference's does."""


def mm_kwargs_of(items: Sequence[Item]) -> MmKwargs:
    """The batch as an engine's processor would hand it over: rows of all items in one tensor.

    A single item is handed over as it is, without a copy, as engines do.
    """
    pixels = items[0].pixels if len(items) == 1 else torch.cat([item.pixels for item in items])
    return {INPUT_KEYS[items[0].modality]: pixels, ITEMS: tuple(items)}


class ZooModel:
    """What all dialects share. Every call of the protocol is told to the observer."""

    def __init__(self, encoder: Encoder, observer: Observer, shapes: ModuleType) -> None:
        self._encoder = encoder
        self._observer = observer
        self._shapes = shapes
        self._sizes = encoder.family.sizes
        self._values = GraphValues(encoder)
        self.range = (self._sizes.unit, self._sizes.unit * LARGEST)
        """The range of useful budgets that the model states, in tokens."""

    def get_encoder_cudagraph_config(self) -> object:
        """What the manager must know of the model at its start."""
        return self._shapes.EncoderCudaGraphConfig(
            modalities=list(self._encoder.family.modalities),
            buffer_keys=sorted(self._example),
            out_hidden_size=self._encoder.family.width,
            **self._more_config(),
        )

    @property
    def _example(self) -> dict[str, Tensor]:
        """What a graph reads, at the smallest budget."""
        return self._values.captured(self.range[0], max_items=1, max_frames=1)

    def _more_config(self) -> dict[str, object]:
        return {"max_frames_per_video": self.get_max_frames_per_video()}

    def get_input_modality(self, mm_kwargs: MmKwargs) -> str:
        """By the key of the pixels."""
        return next(name for name, key in INPUT_KEYS.items() if key in mm_kwargs)

    def get_max_frames_per_video(self) -> int:
        """Of the longest clip that the family takes."""
        return self._sizes.max_frames if "video" in self._encoder.family.modalities else 1

    def get_encoder_cudagraph_budget_range(self, _config: object) -> tuple[int, int]:
        """From the smallest item to 64 of them, unless a law puts another range there."""
        return self.range

    def get_encoder_cudagraph_item_specs(self, mm_kwargs: MmKwargs) -> list[Any]:
        """Input rows and output tokens of each item."""
        spec = self._shapes.EncoderItemSpec
        return [spec(self._sizes.rows(item.grid), self._sizes.tokens(item.grid)) for item in mm_kwargs[ITEMS]]

    def select_encoder_cudagraph_items(self, mm_kwargs: MmKwargs, indices: Sequence[int]) -> MmKwargs:
        """The rows of those items, cut out of the batch's tensor."""
        items: Sequence[Item] = mm_kwargs[ITEMS]
        key = INPUT_KEYS[self.get_input_modality(mm_kwargs)]
        parts = mm_kwargs[key].split([self._sizes.rows(item.grid) for item in items])
        chosen = torch.cat([parts[index] for index in indices]) if indices else mm_kwargs[key][:0]
        return {key: chosen, ITEMS: tuple(items[index] for index in indices)}

    def eager(self, mm_kwargs: MmKwargs) -> Tensor:
        """`[tokens, width]` of the batch, without a graph, or the planted failure."""
        items: Sequence[Item] = mm_kwargs[ITEMS]
        self._observer.fail_if_armed("eager")
        with models.kernels_seen() as kernels:
            metadata = self._encoder.metadata([item.grid for item in items])
            output = self._encoder.forward(self._pixels_of(mm_kwargs), metadata)
        self._observer.ran_eager(items, kernels)
        return output

    def _pixels_of(self, mm_kwargs: MmKwargs) -> Tensor:
        pixels: Tensor = mm_kwargs[INPUT_KEYS[self.get_input_modality(mm_kwargs)]]
        return pixels

    def _captured(self, budget: int, max_items: int, max_frames: int) -> dict[str, Tensor]:
        """The metadata of a capture; the budget is the one that the next graph is for."""
        self._observer.budget = budget
        return self._values.captured(budget, max_items=max_items, max_frames=max_frames)

    def _of_batch(self, mm_kwargs: MmKwargs) -> dict[str, Tensor | None]:
        """The metadata of a replay; the items are the next replay's."""
        items: Sequence[Item] = mm_kwargs[ITEMS]
        self._observer.prepared(items)
        return self._values.of_batch([item.grid for item in items])

    def forward(self, pixels: Tensor, metadata: dict[str, Tensor]) -> Tensor:
        """The forward that is warmed up and captured, with a failure planted behind the work."""
        self._observer.ran_forward({PIXELS: pixels, **metadata})
        output = self._encoder.forward(pixels, metadata)
        if self._observer.capturing:
            self._observer.fail_if_armed("capture")
        return output


class TwoMappings(ZooModel):
    """Dialect B: pixels and metadata are two mappings, and the model itself pads what zeros would spoil."""

    def __init__(self, encoder: Encoder, observer: Observer, shapes: ModuleType) -> None:
        super().__init__(encoder, observer, shapes)
        self._graphs: dict[int, dict[str, Tensor]] = {}

    def _more_config(self) -> dict[str, object]:
        return {**super()._more_config(), "input_key_by_modality": INPUT_KEYS}

    def prepare_encoder_cudagraph_capture_inputs(
        self, budget: int, max_items: int, max_frames: int, _device: object, _dtype: object
    ) -> object:
        """Pixels of a full budget, and the metadata beside them."""
        values = self._captured(budget, max_items, max_frames)
        self._graphs[budget] = values
        shape = self._shapes.EncoderCudaGraphCaptureInputs
        return shape(mm_kwargs={PIXELS: self._values.pixels(budget)}, buffers=values)

    def prepare_encoder_cudagraph_replay_buffers(
        self, mm_kwargs: MmKwargs, _max_items: int, _max_frames: int
    ) -> object:
        """The batch's metadata; offsets and permutations in the length of the smallest graph that holds it."""
        values = self._of_batch(mm_kwargs)
        needed = sum(self._sizes.tokens(item.grid) for item in mm_kwargs[ITEMS])
        buffers = next(self._graphs[budget] for budget in sorted(self._graphs) if budget >= needed)
        for name, pad in paddings(buffers).items():
            padded, value = torch.empty_like(buffers[name]), values[name]
            if value is not None:
                pad(padded, value)
            values[name] = padded
        return self._shapes.EncoderCudaGraphReplayBuffers(buffers=values)

    def encoder_cudagraph_forward(self, mm_kwargs: MmKwargs, buffers: dict[str, Tensor]) -> Tensor:
        """`[tokens, width]` of what the buffers hold."""
        return self.forward(mm_kwargs[PIXELS], buffers)

    def encoder_eager_forward(self, mm_kwargs: MmKwargs) -> Tensor:
        """`[tokens, width]` of the batch."""
        return self.eager(mm_kwargs)


class PerItemNumbers(TwoMappings):
    """Dialect A: as B, but each number of an item has a method of its own."""

    def _more_config(self) -> dict[str, object]:
        return {"input_key_by_modality": INPUT_KEYS}

    def get_encoder_cudagraph_num_items(self, mm_kwargs: MmKwargs) -> int:
        """How many items the batch has."""
        return len(mm_kwargs[ITEMS])

    def get_encoder_cudagraph_per_item_output_tokens(self, mm_kwargs: MmKwargs) -> list[int]:
        """Output tokens of each item."""
        return [self._sizes.tokens(item.grid) for item in mm_kwargs[ITEMS]]

    def get_encoder_cudagraph_per_item_input_sizes(self, mm_kwargs: MmKwargs) -> list[int]:
        """Input rows of each item."""
        return [self._sizes.rows(item.grid) for item in mm_kwargs[ITEMS]]


class OneMapping(ZooModel):
    """Dialects C to E: one mapping, padded by the engine, by functions of the model where zeros would be wrong."""

    def _more_config(self) -> dict[str, object]:
        return {**super()._more_config(), "padding_logics": paddings(self._example)}

    def prepare_encoder_cudagraph_capture_inputs(
        self,
        budget: int,
        max_items: int,
        max_frames: int,
        _device: object,
        _dtype: object,
        _path: str = "default",
        _axis_keys: object = None,
    ) -> object:
        """Pixels and metadata of a full budget."""
        values = self._captured(budget, max_items, max_frames)
        return self._shapes.EncoderCudaGraphCaptureInputs(values={PIXELS: self._values.pixels(budget), **values})

    def prepare_encoder_cudagraph_replay_buffers(
        self, mm_kwargs: MmKwargs, _max_items: int, _max_frames: int, _path: str = "default"
    ) -> object:
        """The batch's pixels and metadata as they are."""
        values = {PIXELS: self._pixels_of(mm_kwargs), **self._of_batch(mm_kwargs)}
        return self._shapes.EncoderCudaGraphReplayBuffers(values=values)

    def encoder_cudagraph_forward(self, inputs: dict[str, Tensor], path: str = "default") -> Tensor:
        """`[tokens, width]` of what the buffers hold; the mapping is the engine's, and is left as it is."""
        metadata = dict(inputs)
        return self.forward(metadata.pop(PIXELS), metadata)

    def encoder_eager_forward(self, mm_kwargs: MmKwargs, path: str = "default") -> Tensor:
        """`[tokens, width]` of the batch."""
        return self.eager(mm_kwargs)


def model_class(dialect: Dialect, protocol: type) -> type[ZooModel]:
    """The class for a dialect. It is derived from the engine's own protocol, whose defaults it takes over."""
    shape = PerItemNumbers if dialect.counts_items else OneMapping if dialect.one_mapping else TwoMappings
    return type(f"Zoo{shape.__name__}", (shape, protocol), {})
