"""What a model must offer before the manager will graph it (SPEC G2). The manager knows nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from models.api import Capacity, Item


@dataclass(frozen=True)
class ModelGraphConfig:
    """The part of a model that never changes: what it accepts, which buffers it reads, what it returns."""

    modalities: tuple[str, ...]
    input_key: str
    """The buffer that holds the pixels; it may be filled in part, every other buffer is always whole."""
    buffer_keys: frozenset[str]
    """Names of all buffers: a capture with others is refused, a replay with others fails (SPEC G6)."""
    out_hidden_size: int
    backends: tuple[str, ...]
    """Attention back ends whose metadata the model can build (SPEC G10)."""
    max_frames_per_item: int
    """Most frames that one item can have: bounds the inferred frame limit (BUG-E13)."""


@dataclass(frozen=True)
class EncoderItemSpec:
    """What one item asks of a graph: input rows, output tokens, and frames."""

    input_size: int
    output_tokens: int
    frames: int = 1


@runtime_checkable
class SupportsEncoderCudaGraph(Protocol):
    """The opt-in of a model, in vLLM's method names (SPEC G2)."""

    def get_encoder_cudagraph_config(self) -> ModelGraphConfig:
        """Static facts of the model."""
        ...

    def get_encoder_cudagraph_budget_range(self) -> tuple[int, int]:
        """Smallest and largest useful token budget, for inference."""
        ...

    def get_encoder_cudagraph_item_specs(self, items: Sequence[Item]) -> list[EncoderItemSpec]:
        """What each item asks of a graph."""
        ...

    def get_encoder_cudagraph_capacity(self, budget: int, *, max_items: int, max_frames: int) -> Capacity:
        """What a graph of that budget holds, rounded up so that every batch of the budget fits (BUG-E09)."""
        ...

    def select_encoder_cudagraph_items(self, items: Sequence[Item], indices: Sequence[int]) -> list[Item]:
        """The sub-batch of those items, in that order."""
        ...

    def prepare_encoder_cudagraph_capture_inputs(self, capacity: Capacity) -> dict[str, Tensor]:
        """Host tensors of the shapes and dtypes that every replay of that capacity will have."""
        ...

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        """The values of one replay, under exactly the keys of the capture inputs."""
        ...

    def encoder_cudagraph_forward(self, buffers: Mapping[str, Tensor]) -> Tensor:
        """`[tokens, out_hidden_size]` from buffers alone: what is captured."""
        ...

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        """One `[tokens, out_hidden_size]` per item, without graphs and without padding."""
        ...


def missing_methods(model: object) -> list[str]:
    """Names of the protocol's methods that the model lacks, sorted."""
    wanted = (name for name in vars(SupportsEncoderCudaGraph) if name.startswith(("get_", "select_")))
    more = (name for name in vars(SupportsEncoderCudaGraph) if name.startswith(("prepare_", "encoder_")))
    return sorted(name for name in {*wanted, *more} if not callable(getattr(model, name, None)))
