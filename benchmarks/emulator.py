"""What emulated graphs cost beside plain eager: the bare forward on the same padded buffers, in one process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import torch
from torch import Tensor

import models
from benchmarks.measure import Effort, Figures, Work, at_most, median_seconds
from models.api import Capacity, Grid, Item
from reference.encoder_graph.model import EncoderGraphModel
from suite.emulator.device import EmulatedDevice
from suite.emulator.graph import EmulatedGraph

REPLAY_TARGET = 3.0
"""Replay over eager, at most, in the single-device form."""
CAPTURE_TARGET = 10.0
"""Capture over eager, at most, in the single-device form."""
TOWERS = ("qwen3_vl", "toy")
"""The first has two blocks and is what the targets are about."""
CAPACITY = Capacity(tokens=64, items=4, frames=4)
GRIDS = (Grid(1, 8, 8), Grid(1, 4, 12), Grid(1, 8, 4), Grid(1, 6, 6))
"""45 of 64 tokens in four images."""
FORMS: tuple[Literal["single_device", "two_devices"], ...] = ("single_device", "two_devices")


def emulator(effort: Effort) -> Figures:
    """By tower and form: ratios to eager, operations on the tape, microseconds per operation."""
    return {
        "batch": {"grids": [str(grid) for grid in GRIDS], "capacity_tokens": CAPACITY.tokens},
        **{tower: _tower(tower, effort) for tower in TOWERS},
    }


def _tower(name: str, effort: Effort) -> Figures:
    works: dict[str, Work] = {"eager": _Bench(name, torch.device("cpu")).forward}
    operations = {}
    for form in FORMS:
        device = EmulatedDevice(accelerator=form == "two_devices")
        bench = _Bench(name, device.device)
        graph = bench.capture(device)
        operations[form] = len(graph.operations)
        works[f"{form} eager"] = bench.forward
        works[f"{form} capture"] = partial(bench.capture, device)
        works[f"{form} replay"] = graph.replay
    seconds = median_seconds(works, repeats=effort.repeats)
    return {
        "eager_milliseconds": round(seconds["eager"] * 1e3, 3),
        **{form: _form(form, seconds, operations[form]) for form in FORMS},
    }


def _form(form: str, seconds: Mapping[str, float], operations: int) -> Figures:
    """Ratios are to eager on plain CPU tensors, in both forms; for the first, eager over eager is the noise."""
    eager, replay, capture = (seconds[f"{form} {what}"] for what in ("eager", "replay", "capture"))
    plain = seconds["eager"]
    ratios = {"replay_over_eager": round(replay / plain, 2), "capture_over_eager": round(capture / plain, 2)}
    targets = {"replay_over_eager": REPLAY_TARGET, "capture_over_eager": CAPTURE_TARGET}
    bound = form == "single_device"
    return {
        **{name: at_most(ratio, targets[name]) if bound else ratio for name, ratio in ratios.items()},
        "eager_over_plain_eager": round(eager / plain, 2),
        "operations": operations,
        "replay_microseconds_per_operation": round(replay / operations * 1e6, 2),
        "capture_microseconds_per_operation": round(capture / operations * 1e6, 2),
    }


class _Bench:
    """One encoder on one device, with a batch in its buffers."""

    def __init__(self, name: str, device: torch.device) -> None:
        self._model = EncoderGraphModel(models.build(name, device=str(device)))
        family = models.family(name)
        chance = torch.Generator().manual_seed(0)
        items = [
            Item(grid, torch.randn(family.sizes.rows(grid), *family.row_shape, generator=chance)) for grid in GRIDS
        ]
        values = self._model.prepare_encoder_cudagraph_replay_buffers(items, CAPACITY)
        shapes = self._model.prepare_encoder_cudagraph_capture_inputs(CAPACITY)
        self._buffers = {name: _padded(value, shapes[name]).to(device) for name, value in values.items()}

    def forward(self) -> Tensor:
        """`[tokens, width]`: the whole capacity, in eager."""
        return self._model.encoder_cudagraph_forward(self._buffers)

    def capture(self, device: EmulatedDevice) -> EmulatedGraph:
        """A graph of the forward in a pool of its own; whoever drops it frees it."""
        graph, _ = device.capture(self.forward)
        return graph


def _padded(value: Tensor, like: Tensor) -> Tensor:
    """The value at the shape of the capture's buffer, zeros past it."""
    padded = torch.zeros_like(like)
    padded[tuple(slice(size) for size in value.shape)] = value
    return padded
