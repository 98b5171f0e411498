"""Faults of capture: what is asked, kept, baked or left out while a graph is recorded."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import torch
from torch import Tensor

from models.api import Item
from models.attention import SegmentedAttention
from models.discovery import GRID
from models.encoder import GenericEncoder
from reference.encoder_graph.device import Graph
from reference.encoder_graph.manager import BudgetGraph, EncoderCudaGraphManager
from reference.model_runner import EncoderModelRunner
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts

Metadata = dict[str, Tensor]


class _KeepsActivations(GenericEncoder):
    """Keeps magnitudes of the last forward for whoever debugs."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        encoded = super().forward(pixels, metadata)
        self.last_magnitudes = encoded.abs()
        return encoded


class _RebindsItsTable(GenericEncoder):
    """Assigns a table of the model in the forward, on the way to a layout that it has already."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        self.table = self._unread_grid.clone(memory_format=torch.contiguous_format)
        return super().forward(pixels, {GRID: self.table, **metadata})


class _GrowingWorkspace(SegmentedAttention):
    """Mixes into one scratch tensor and replaces it when more is needed: graphs keep the old address."""

    def __init__(self) -> None:
        self._scratch: dict[str, Tensor] = {}

    def mix(self, query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None = None) -> Tensor:
        mixed = super().mix(query, key, value, hidden)
        scratch = self._scratch.get("mixed")
        if scratch is None or scratch.numel() < mixed.numel():
            self._scratch["mixed"] = scratch = torch.empty(mixed.numel(), device=mixed.device)
        return scratch[: mixed.numel()].copy_(mixed.flatten()).view(mixed.shape)


class _NoWarmUp(EncoderCudaGraphManager):
    """Captures at once: the code runs, after all."""

    def _record(self, run: Callable[[], Tensor], pool: Hashable) -> tuple[Graph, Tensor]:
        return self._device.capture(run, pool=pool)


class _WarmsUpOnce(EncoderCudaGraphManager):
    """Warms up for the largest budget and takes the others to be warm with it."""

    def _record(self, run: Callable[[], Tensor], pool: Hashable) -> tuple[Graph, Tensor]:
        return self._device.capture(run, pool=pool) if self._graphs else super()._record(run, pool)


class _NeverCaptures(EncoderModelRunner):
    """Returns from the capture at once, as a subclass without a decoder once did."""

    def capture_model(self) -> None:
        return


class _CapturesAtFirstRequest(EncoderCudaGraphManager):
    """Puts the capture off until somebody asks for something."""

    def capture(self) -> None:
        self.clear()

    def execute(self, items: Sequence[Item]) -> list[Tensor]:
        if not self.is_captured:
            super().capture()
        return super().execute(items)


class _KeepsTheRehearsal(EncoderCudaGraphManager):
    """Captures every budget twice, so that kernels are tuned, and keeps both."""

    def _capture_one(self, budget: int, pool: Hashable) -> BudgetGraph:
        self.rehearsals = [*getattr(self, "rehearsals", []), super()._capture_one(budget, pool)]
        return super()._capture_one(budget, pool)


class _CapturesAfresh(EncoderCudaGraphManager):
    """Captures a budget again after every replay, so that nothing can be stale, and retires the old graph.

    Nobody empties the list of the retired.
    """

    def _replay(self, batch: Sequence[Item], captured: BudgetGraph) -> list[Tensor]:
        outputs = super()._replay(batch, captured)
        self.retired = [*getattr(self, "retired", []), captured]
        self._graphs[captured.budget] = self._capture_one(captured.budget, self._device.new_pool())
        return outputs


class _ReadsLate(EncoderCudaGraphManager):
    """Copies the results out when all bins are done, as if each replay had an output of its own."""

    def execute(self, items: Sequence[Item]) -> list[Tensor]:
        return [output.clone() for output in super().execute(items)]

    def _replay(self, batch: Sequence[Item], captured: BudgetGraph) -> list[Tensor]:
        captured.buffers.load(self._model.prepare_encoder_cudagraph_replay_buffers(batch, captured.capacity))
        captured.graph.replay()
        tokens = [spec.output_tokens for spec in self._model.get_encoder_cudagraph_item_specs(batch)]
        return list(captured.output[: sum(tokens)].split(tokens))


class _SourceDies(GenericEncoder):
    """Assigns a table to itself in the forward: what one capture reads dies in the next (BUG-G17)."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        self._unread_grid = self._unread_grid.clone()
        return super().forward(pixels, metadata)


class _CapturesEachLayout(EncoderCudaGraphManager):
    """Captures a graph for each layout that it meets, and keeps them all."""

    def _replay(self, batch: Sequence[Item], captured: BudgetGraph) -> list[Tensor]:
        own: dict[str, BudgetGraph] = self.__dict__.setdefault("own", {})
        layout = " ".join(str(item.grid) for item in batch)
        if layout not in own:
            own[layout] = self._capture_one(captured.budget, self._device.new_pool())
        return super()._replay(batch, own[layout])


FAULTS = (
    Fault(
        id="capture/captures-each-layout",
        breaks="every new layout makes a graph that is never given back",
        caught_by=("capture/graphs-are-bounded", "capture/graphs-captured-are-kept"),
        parts=lambda: Parts(manager=_CapturesEachLayout),
    ),
    Fault(
        id="capture/keeps-activations",
        breaks="the model keeps a tensor of the capture for debugging",
        caught_by=("capture/nothing-escapes",),
        parts=injection.adapter(_KeepsActivations),
        source="BUG-G17",
    ),
    Fault(
        id="capture/rebinds-its-table",
        breaks="the forward replaces a tensor of the model by one that lives in a graph's pool",
        caught_by=("capture/nothing-escapes",),
        parts=injection.adapter(_RebindsItsTable),
        source="BUG-G17",
    ),
    Fault(
        id="capture/growing-workspace",
        breaks="a larger batch in eager frees the workspace that graphs use",
        caught_by=("fallback/report-is-true",),
        parts=injection.adapter(
            lambda tower, device: GenericEncoder(tower, device=device, attention=_GrowingWorkspace())
        ),
        source="BUG-G06",
    ),
    Fault(
        id="capture/no-warm-up",
        breaks="the forward runs for the first time while it is captured",
        caught_by=("capture/warmed-up-first",),
        parts=lambda: Parts(manager=_NoWarmUp),
        source="BUG-E23",
        sampled=True,
    ),
    Fault(
        id="capture/warms-up-once",
        breaks="only the shapes of the largest budget are warmed up",
        caught_by=("capture/warmed-up-first",),
        parts=lambda: Parts(manager=_WarmsUpOnce),
        source="BUG-E23",
    ),
    Fault(
        id="capture/never-captures",
        breaks="the flag is accepted and nothing is captured",
        caught_by=("capture/graphs-captured-are-kept", "packing/fitting-items-are-replayed"),
        parts=lambda: Parts(runner=_NeverCaptures),
        source="BUG-E21",
    ),
    Fault(
        id="capture/at-first-request",
        breaks="graphs are captured while requests wait",
        caught_by=("capture/graphs-captured-are-kept",),
        parts=lambda: Parts(manager=_CapturesAtFirstRequest),
        source="BUG-G21",
    ),
    Fault(
        id="capture/keeps-the-rehearsal",
        breaks="every budget has two graphs, of which one is never replayed",
        caught_by=("capture/graphs-captured-are-kept",),
        parts=lambda: Parts(manager=_KeepsTheRehearsal),
    ),
    Fault(
        id="capture/captures-afresh",
        breaks="every replay leaves a graph behind",
        caught_by=("capture/memory-is-bounded", "capture/graphs-captured-are-kept"),
        parts=lambda: Parts(manager=_CapturesAfresh),
        source="BUG-E02",
    ),
    Fault(
        id="capture/reads-late",
        breaks="a graph is replayed again before the results of its last replay were copied",
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(manager=_ReadsLate),
        source="BUG-G15",
    ),
    Fault(
        id="capture/source-dies",
        breaks="the forward rebinds a table that an earlier graph reads",
        caught_by=("capture/nothing-escapes", "fallback/report-is-true"),
        parts=injection.adapter(_SourceDies),
        source="BUG-G17",
    ),
)
