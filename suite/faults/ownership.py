"""Faults of ownership: results that share memory, and inputs that are written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from models.api import Capacity, Item
from reference.encoder_graph.manager import BudgetGraph, EncoderCudaGraphManager
from reference.encoder_graph.model import EncoderGraphModel
from reference.model_runner import EncoderModelRunner
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _ConvertsInsteadOfCopying(EncoderCudaGraphManager):
    """Trusts `to` to copy, which it does not where dtype and device are right already."""

    def _replay(self, batch: Sequence[Item], captured: BudgetGraph) -> list[Tensor]:
        captured.buffers.load(self._model.prepare_encoder_cudagraph_replay_buffers(batch, captured.capacity))
        captured.graph.replay()
        tokens = [spec.output_tokens for spec in self._model.get_encoder_cudagraph_item_specs(batch)]
        rows = captured.output[: sum(tokens)]
        return [part.to(batch[0].pixels.dtype) for part in rows.split(tokens)]


class _OneStagingBuffer(EncoderModelRunner):
    """Hands results out in one staging tensor, which the next request that fits into it overwrites."""

    _staging = torch.empty(0)

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        outputs = super().execute_mm_encoder(items)
        if not outputs:
            return outputs
        rows = torch.cat(outputs)
        if self._staging.shape[1:] != rows.shape[1:] or len(self._staging) < len(rows):
            self._staging = torch.empty_like(rows)
        staged = self._staging[: len(rows)].copy_(rows)
        return list(staged.split([len(output) for output in outputs]))


class _EncodesEqualItemsOnce(EncoderModelRunner):
    """Encodes items with equal pixels once and hands the same tensor out for each."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        outputs = super().execute_mm_encoder(items)
        first = [next(i for i, other in enumerate(items) if _equal(item, other)) for item in items]
        return [outputs[index] for index in first]


class _RemembersResults(EncoderModelRunner):
    """Keeps results by pixels and hands the kept tensor out again, whatever its owner did to it."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        known: list[tuple[Item, Tensor]] = self.__dict__.setdefault("known", [])
        for item, output in zip(items, super().execute_mm_encoder(items), strict=True):
            if not any(_equal(item, other) for other, _ in known):
                known.append((item, output))
        return [next(output for other, output in known if _equal(item, other)) for item in items]


class _EncodesOthersOnce(EncoderModelRunner):
    """The same, but the first item of a batch is never compared."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        outputs = super().execute_mm_encoder(items)
        first = [next(i for i in range(bool(n), n + 1) if _equal(item, items[i])) for n, item in enumerate(items)]
        return [outputs[index] for index in first]


class _AdoptsPixels(EncoderModelRunner):
    """Takes the pixels of the first request with one item for its staging buffer, since they have the right size."""

    _staging: Tensor | None = None

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        if self._staging is None:
            self._staging = items[0].pixels if len(items) == 1 else None
            return super().execute_mm_encoder(items)
        rows = [len(item.pixels) for item in items]
        if not rows or sum(rows) > len(self._staging):
            return super().execute_mm_encoder(items)
        staged = self._staging[: sum(rows)].copy_(torch.cat([item.pixels for item in items])).split(rows)
        return super().execute_mm_encoder(
            [replace(item, pixels=part) for item, part in zip(items, staged, strict=True)]
        )


def _equal(item: Item, other: Item) -> bool:
    """Whether two items would give the same result."""
    return item.grid == other.grid and torch.equal(item.pixels, other.pixels)


class _RescalesInPlace(EncoderGraphModel):
    """Centres the caller's pixels in place and moves them back, which rounds."""

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        for item in items:
            item.pixels.sub_(0.4815).add_(0.4815)
        return super().prepare_encoder_cudagraph_replay_buffers(items, capacity)


class _ClampsInPlace(EncoderGraphModel):
    """Clamps the caller's pixels before they run in eager."""

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        for item in items:
            item.pixels.clamp_(-1, 1)
        return super().encoder_eager_forward(items)


FAULTS = (
    Fault(
        id="ownership/converts-instead-of-copying",
        breaks="results are views of a graph's output",
        caught_by=("ownership/results-outlive-later-batches",),
        parts=lambda: Parts(manager=_ConvertsInsteadOfCopying),
        source="BUG-G16",
        sampled=True,
    ),
    Fault(
        id="ownership/one-staging-buffer",
        breaks="results of one request are overwritten by the next",
        caught_by=("ownership/results-outlive-later-batches",),
        parts=lambda: Parts(runner=_OneStagingBuffer),
        source="BUG-G15",
    ),
    Fault(
        id="ownership/equal-items-share-a-result",
        breaks="equal items of a batch get one and the same tensor",
        caught_by=("ownership/results-can-be-written",),
        parts=lambda: Parts(runner=_EncodesEqualItemsOnce),
    ),
    Fault(
        id="ownership/later-items-share-a-result",
        breaks="equal items of a batch, the first left out, get one and the same tensor",
        caught_by=("ownership/results-can-be-written",),
        parts=lambda: Parts(runner=_EncodesOthersOnce),
    ),
    Fault(
        id="ownership/adopts-pixels",
        breaks="later requests are written into the pixels of an earlier one",
        caught_by=("ownership/inputs-are-left-alone",),
        parts=lambda: Parts(runner=_AdoptsPixels),
        source="BUG-E03",
    ),
    Fault(
        id="ownership/remembers-results",
        breaks="a kept result is handed out again after its owner wrote to it",
        caught_by=("ownership/results-can-be-written",),
        parts=lambda: Parts(runner=_RemembersResults),
    ),
    Fault(
        id="ownership/rescales-in-place",
        breaks="the caller's pixels come back rounded",
        caught_by=("ownership/inputs-are-left-alone",),
        parts=injection.model(_RescalesInPlace),
    ),
    Fault(
        id="ownership/clamps-in-place",
        breaks="the eager path writes into the caller's pixels",
        caught_by=("ownership/inputs-are-left-alone", "values/replay-equals-eager"),
        parts=injection.model(_ClampsInPlace),
    ),
)
