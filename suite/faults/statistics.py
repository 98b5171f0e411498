"""Faults of statistics: figures that are not those of what ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from torch import Tensor

from models.api import Item
from reference.encoder_graph.manager import BudgetMemory, EncoderCudaGraphManager
from reference.encoder_graph.packing import Bin
from reference.encoder_graph.statistics import Counters, Statistics
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _CountsLaunches(Counters):
    """Counts one hit per replay, however many items it held."""

    def hit(self, items: int) -> None:
        super().hit(1)


class _ForgetsMisses(Counters):
    """Counts what was meant for graphs only."""

    def miss(self, items: int) -> None:
        return


class _Ratio(Statistics):
    """Sets hits against misses instead of against all items."""

    @property
    def hit_rate(self) -> float:
        return self.hits / self.misses if self.misses else float(self.hits > 0)


class _ReportsRatio(Counters):
    """Reports hits over misses as the hit rate."""

    def snapshot(self, *, budgets: tuple[int, ...], graphs_captured: int) -> Statistics:
        true = super().snapshot(budgets=budgets, graphs_captured=graphs_captured)
        return _Ratio(true.hits, true.misses, true.replay_failures, true.budgets, true.graphs_captured)


class _ReportsReplays(Counters):
    """Reports as graphs captured how often a graph answered."""

    def snapshot(self, *, budgets: tuple[int, ...], graphs_captured: int) -> Statistics:
        return super().snapshot(budgets=budgets, graphs_captured=self.hits)


class _CountsBeforehand(EncoderCudaGraphManager):
    """Counts an eager bin on the way in, when it may still fail."""

    def _execute_bin(self, items: Sequence[Item], planned: Bin) -> list[Tensor]:
        if planned.budget is None:
            self._counters.miss(len(planned.items))
            return self._model.encoder_eager_forward(self._model.select_encoder_cudagraph_items(items, planned.items))
        return super()._execute_bin(items, planned)


class _NewCounters(EncoderCudaGraphManager):
    """Starts its count anew with every batch."""

    def execute(self, items: Sequence[Item]) -> list[Tensor]:
        self._counters = Counters()
        return super().execute(items)


class _BuffersOnly(EncoderCudaGraphManager):
    """Reports the static buffers and takes the graph itself to be free."""

    @property
    def memory(self) -> tuple[BudgetMemory, ...]:
        return tuple(replace(each, graph_bytes=0) for each in super().memory)


class _GraphsOnly(EncoderCudaGraphManager):
    """Reports what the device's pool grew by, which is nothing for a graph that fits into what larger ones left."""

    @property
    def memory(self) -> tuple[BudgetMemory, ...]:
        return tuple(replace(each, buffer_bytes=0) for each in super().memory)


class _LargestOnly(EncoderCudaGraphManager):
    """Reports the largest budget for all, since they share a pool."""

    @property
    def memory(self) -> tuple[BudgetMemory, ...]:
        return super().memory[-1:]


class _PoolForEach(EncoderCudaGraphManager):
    """Reports for each budget what the pool held after its capture, which the budgets before it hold too."""

    @property
    def memory(self) -> tuple[BudgetMemory, ...]:
        held = super().memory
        pool = accumulate(reversed([each.graph_bytes for each in held]))
        return tuple(replace(each, graph_bytes=size) for each, size in zip(held, reversed(list(pool)), strict=True))


class _BuffersTwice(EncoderCudaGraphManager):
    """Reports the free memory that the capture took, buffers included, and the buffers beside it."""

    @property
    def memory(self) -> tuple[BudgetMemory, ...]:
        return tuple(replace(each, graph_bytes=each.graph_bytes + each.buffer_bytes) for each in super().memory)


FAULTS = (
    Fault(
        id="statistics/counts-launches",
        breaks="hits are counted per replay instead of per item",
        caught_by=("fallback/every-item-counted-once", "fallback/report-is-true"),
        parts=injection.counters(_CountsLaunches),
        sampled=True,
    ),
    Fault(
        id="statistics/forgets-misses",
        breaks="items that ran in eager are not counted",
        caught_by=("fallback/every-item-counted-once", "fallback/report-is-true"),
        parts=injection.counters(_ForgetsMisses),
    ),
    Fault(
        id="statistics/ratio-for-rate",
        breaks="the hit rate is hits over misses",
        caught_by=("fallback/report-is-true",),
        parts=injection.counters(_ReportsRatio),
    ),
    Fault(
        id="statistics/graphs-not-counted",
        breaks="the number of graphs in the report is not that of graphs captured",
        caught_by=("fallback/report-is-true",),
        parts=injection.counters(_ReportsReplays),
    ),
    Fault(
        id="statistics/counts-beforehand",
        breaks="eager items are counted before they ran",
        caught_by=("recovery/eager-failure-passes",),
        parts=lambda: Parts(manager=_CountsBeforehand),
    ),
    Fault(
        id="statistics/new-counters",
        breaks="the count starts anew with every batch",
        caught_by=("fallback/every-item-counted-once",),
        parts=lambda: Parts(manager=_NewCounters),
    ),
    Fault(
        id="statistics/buffers-only",
        breaks="the memory report leaves graphs out",
        caught_by=("capture/memory-is-reported",),
        parts=lambda: Parts(manager=_BuffersOnly),
        source="BUG-E19",
    ),
    Fault(
        id="statistics/graphs-only",
        breaks="the memory report leaves buffers out",
        caught_by=("capture/memory-is-reported",),
        parts=lambda: Parts(manager=_GraphsOnly),
        source="BUG-E19",
    ),
    Fault(
        id="statistics/largest-only",
        breaks="the memory report holds one budget only",
        caught_by=("capture/memory-is-reported",),
        parts=lambda: Parts(manager=_LargestOnly),
        source="BUG-E19",
    ),
    Fault(
        id="statistics/pool-for-each",
        breaks="each budget reports the whole pool that all of them share",
        caught_by=("capture/memory-is-not-overstated",),
        parts=lambda: Parts(manager=_PoolForEach),
    ),
    Fault(
        id="statistics/buffers-twice",
        breaks="the memory report holds the buffers twice",
        caught_by=("capture/memory-is-not-overstated",),
        parts=lambda: Parts(manager=_BuffersTwice),
    ),
)
