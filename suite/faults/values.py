"""Faults of values: two paths that should be one, and results that belong to something else."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from models.api import Capacity, Grid, Item
from reference.encoder_graph.model import PIXELS, EncoderGraphModel
from reference.model_runner import EncoderModelRunner
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _NormalisesInEager(EncoderGraphModel):
    """Has a step of preparation in the eager path only; replays get the pixels as they are."""

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        values = super().prepare_encoder_cudagraph_replay_buffers(items, capacity)
        return values | {PIXELS: values[PIXELS] * 0.27 + 0.48}


class _HalfPrecision(EncoderGraphModel):
    """Sends pixels to the device in half precision."""

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        values = super().prepare_encoder_cudagraph_replay_buffers(items, capacity)
        return values | {PIXELS: values[PIXELS].to(torch.bfloat16).to(self._encoder.dtype)}


class _IgnoresStrides(EncoderGraphModel):
    """Hands the address of the pixels on and takes their rows to lie one behind the other."""

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        dense = [replace(item, pixels=_as_if_dense(item.pixels)) for item in items]
        return super().prepare_encoder_cudagraph_replay_buffers(dense, capacity)


def _as_if_dense(pixels: Tensor) -> Tensor:
    """The memory from the first element on, in the shape of the pixels."""
    return pixels.as_strided(pixels.shape, torch.empty(pixels.shape, device="meta").stride())


class _OversizedInHalves(EncoderGraphModel):
    """Runs a tall item in two halves in eager, to save memory: tokens of one half do not see the other."""

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        return [torch.cat(super(_OversizedInHalves, self).encoder_eager_forward(self._parts(each))) for each in items]

    def _parts(self, item: Item) -> list[Item]:
        grid, merge = item.grid, self._sizes.merge
        upper = grid.height // merge // 2 * merge
        if grid.frames > 1 or not upper:
            return [item]
        halves = Grid(1, upper, grid.width), Grid(1, grid.height - upper, grid.width)
        pixels = item.pixels.split([half.patches for half in halves])
        return [Item(half, rows, item.modality) for half, rows in zip(halves, pixels, strict=True)]


class _EagerOnTheHost(EncoderGraphModel):
    """Leaves the pixels where the processor put them, which works as long as that is the device."""

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        grids = [item.grid for item in items]
        metadata = self._encoder.metadata(grids, backend=self._backend)
        outputs = self._encoder.forward(torch.cat([item.pixels for item in items]), metadata)
        return list(outputs.split([self._sizes.tokens(grid) for grid in grids]))


class _NothingIsAnError(EncoderModelRunner):
    """Has no answer for a request without items."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        return self.model.encoder_eager_forward(items) if self.manager is None else self.manager.execute(items)


class _KnownBySize(EncoderModelRunner):
    """Keeps results by size, which is not what an item is."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        known: dict[Hashable, tuple[Item, Tensor]] = self.__dict__.setdefault("known", {})
        for item, output in zip(items, super().execute_mm_encoder(items), strict=True):
            known.setdefault(self.key(item), (item, output))
        return [known[self.key(item)][1].clone() for item in items]

    def key(self, item: Item) -> Hashable:
        """What an item is known by."""
        return item.grid


class _KnownByTensor(_KnownBySize):
    """Keeps results by the tensor of the pixels, which its owner may overwrite."""

    def key(self, item: Item) -> Hashable:
        return id(item.pixels)


class _KnownByFirstRow(_KnownBySize):
    """Keeps results by size and the first row of pixels, for a hash of all of them is slow."""

    def key(self, item: Item) -> Hashable:
        return item.grid, *item.pixels[0].flatten().tolist()


FAULTS = (
    Fault(
        id="values/normalises-in-eager-only",
        breaks="a step of preparation is done for eager and not for replays",
        caught_by=("values/photographs", "values/replay-equals-eager"),
        parts=injection.model(_NormalisesInEager),
        source="BUG-E04",
        family="qwen2_vl",
    ),
    Fault(
        id="values/half-precision",
        breaks="pixels lose 16 bits on their way into a graph",
        caught_by=("values/replay-equals-eager",),
        parts=injection.model(_HalfPrecision),
        source="BUG-E25",
    ),
    Fault(
        id="values/ignores-strides",
        breaks="pixels that are a view of a larger tensor are read past their gaps",
        caught_by=("values/strides-do-not-matter",),
        parts=injection.model(_IgnoresStrides),
    ),
    Fault(
        id="values/oversized-in-halves",
        breaks="an item that fits no graph is encoded in two halves",
        caught_by=("values/replay-equals-eager", "configuration/off-changes-nothing"),
        parts=injection.model(_OversizedInHalves),
    ),
    Fault(
        id="values/eager-on-the-host",
        breaks="the eager path does not move its inputs to the device",
        caught_by=("values/replay-equals-eager",),
        parts=injection.model(_EagerOnTheHost),
        column="two devices",
    ),
    Fault(
        id="values/nothing-is-an-error",
        breaks="a request without items fails when graphs are off",
        caught_by=("configuration/off-changes-nothing",),
        parts=lambda: Parts(runner=_NothingIsAnError),
    ),
    Fault(
        id="values/known-by-size",
        breaks="an item gets the result of an earlier one of its size",
        caught_by=("staleness/history-does-not-matter", "values/replay-equals-eager"),
        parts=lambda: Parts(runner=_KnownBySize),
        source="BUG-E03",
    ),
    Fault(
        id="values/known-by-tensor",
        breaks="a tensor that was overwritten in place gets the result of what it held before",
        caught_by=("staleness/overwritten-pixels-are-read",),
        parts=lambda: Parts(runner=_KnownByTensor),
    ),
    Fault(
        id="values/known-by-first-row",
        breaks="items of one size that begin alike share a result",
        caught_by=("staleness/overwritten-pixels-are-read",),
        parts=lambda: Parts(runner=_KnownByFirstRow),
    ),
)
