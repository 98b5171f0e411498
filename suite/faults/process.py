"""Faults of the process: modes, flags and random numbers that are the caller's, and are not put back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.api import Capacity, Item
from reference.encoder_graph.manager import EncoderCudaGraphManager
from reference.encoder_graph.model import PIXELS, EncoderGraphModel
from reference.model_runner import EncoderModelRunner
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _GradOffForGood(EncoderModelRunner):
    """Needs no gradients for its captures, and says so to the whole process."""

    def capture_model(self) -> None:
        torch.set_grad_enabled(False)
        super().capture_model()


class _DrawsDummies(EncoderGraphModel):
    """Captures on random pixels, and draws them from the caller's generator."""

    def prepare_encoder_cudagraph_capture_inputs(self, capacity: Capacity) -> dict[str, Tensor]:
        values = super().prepare_encoder_cudagraph_capture_inputs(capacity)
        return values | {PIXELS: torch.randn(values[PIXELS].shape)}


class _SeedsItself(EncoderModelRunner):
    """Sets the seed of the process before each request, to be reproducible."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        torch.manual_seed(0)
        return super().execute_mm_encoder(items)


class _DeterministicInEager(EncoderGraphModel):
    """Asks for deterministic algorithms where it falls back to eager, and leaves it at that."""

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        torch.use_deterministic_algorithms(True)
        return super().encoder_eager_forward(items)


class _AutocastAfterClear(EncoderCudaGraphManager):
    """Turns autocast on when graphs are dropped, so that eager is as fast."""

    def clear(self) -> None:
        if self._graphs:
            torch.set_autocast_enabled("cpu", True)
        super().clear()


FAULTS = (
    Fault(
        id="process/grad-off-for-good",
        breaks="after the capture nobody in the process gets gradients",
        caught_by=("lifecycle/process-is-left-as-it-was",),
        parts=lambda: Parts(runner=_GradOffForGood),
    ),
    Fault(
        id="process/draws-dummies",
        breaks="a capture moves the random numbers of the process on",
        caught_by=("lifecycle/process-is-left-as-it-was",),
        parts=injection.model(_DrawsDummies),
    ),
    Fault(
        id="process/seeds-itself",
        breaks="every request sets the seed of the process",
        caught_by=("lifecycle/process-is-left-as-it-was",),
        parts=lambda: Parts(runner=_SeedsItself),
    ),
    Fault(
        id="process/deterministic-in-eager",
        breaks="the first item that runs in eager makes the whole process deterministic",
        caught_by=("lifecycle/process-is-left-as-it-was",),
        parts=injection.model(_DeterministicInEager),
    ),
    Fault(
        id="process/autocast-after-clear",
        breaks="dropping the graphs leaves autocast on",
        caught_by=("lifecycle/process-is-left-as-it-was",),
        parts=lambda: Parts(manager=_AutocastAfterClear),
    ),
)
