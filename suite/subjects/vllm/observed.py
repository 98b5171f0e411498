"""Watches any model of the protocol, whatever its dialect: what it is asked for, and where it is told to fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

import models
from suite.subjects.observation import Observer
from suite.subjects.vllm.batches import ITEMS, MmKwargs

Answer = Callable[..., Any]
"""A method of the model, whose arguments differ between dialects."""


class Observed:
    """Stands before the model's own class. Every method goes through to it, with the arguments as they came."""

    observer: Observer

    def select_encoder_cudagraph_items(self, mm_kwargs: MmKwargs, indices: Sequence[int]) -> MmKwargs:
        """As the model's; the items ride along."""
        answer: Answer = super().select_encoder_cudagraph_items  # type: ignore[misc]  # the model's, behind this class
        items = mm_kwargs[ITEMS]
        return {**answer(mm_kwargs, indices), ITEMS: tuple(items[index] for index in indices)}

    def prepare_encoder_cudagraph_capture_inputs(self, budget: int, *limits: object) -> object:
        """As the model's; the budget is the one that the next graph is for."""
        answer: Answer = super().prepare_encoder_cudagraph_capture_inputs  # type: ignore[misc]  # as above
        self.observer.budget = budget
        return answer(budget, *limits)

    def prepare_encoder_cudagraph_replay_buffers(self, mm_kwargs: MmKwargs, *limits: object) -> object:
        """As the model's; the items are the next replay's."""
        answer: Answer = super().prepare_encoder_cudagraph_replay_buffers  # type: ignore[misc]  # as above
        self.observer.prepared(mm_kwargs[ITEMS])
        return answer(mm_kwargs, *limits)

    def encoder_cudagraph_forward(self, *inputs: dict[str, Tensor], **path: str) -> Tensor:
        """As the model's; a planted failure of the capture comes after the work."""
        answer: Answer = super().encoder_cudagraph_forward  # type: ignore[misc]  # as above
        tensors = {name: each for values in inputs for name, each in values.items() if isinstance(each, Tensor)}
        self.observer.ran_forward(tensors)
        output: Tensor = answer(*inputs, **path)
        if self.observer.capturing:
            self.observer.fail_if_armed("capture")
        return output

    def encoder_eager_forward(self, mm_kwargs: MmKwargs, **path: str) -> Tensor:
        """As the model's, or the planted failure."""
        answer: Answer = super().encoder_eager_forward  # type: ignore[misc]  # as above
        self.observer.fail_if_armed("eager")
        with models.kernels_seen() as kernels:
            output: Tensor = answer(mm_kwargs, **path)
        self.observer.ran_eager(mm_kwargs[ITEMS], kernels)
        return output


def observed(model: object, observer: Observer) -> object:
    """The same object, watched from here on.

    Raises:
        TypeError: its class cannot be derived from, or fixes its attributes by slots.
    """
    model.__class__ = type(type(model).__name__, (Observed, type(model)), {"observer": observer})
    return model
