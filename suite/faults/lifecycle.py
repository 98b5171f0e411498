"""Faults of the life-cycle: graphs that stay, or are believed to stay, when they are dropped or captured again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from models.api import Item
from reference.encoder_graph.manager import BudgetGraph, BudgetMemory, EncoderCudaGraphManager
from reference.encoder_graph.statistics import Statistics
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _FlagStaysUp(EncoderCudaGraphManager):
    """Goes on planning replays after a clear: each fails, is logged, and is answered by eager."""

    _captured = False

    def capture(self) -> None:
        super().capture()
        self._captured = True

    @property
    def is_captured(self) -> bool:
        return self._captured


class _CapturesTwice(EncoderCudaGraphManager):
    """Lets a second capture put its graphs beside those of the first."""

    _older: tuple[BudgetGraph, ...] = ()

    def capture(self) -> None:
        self._older = (*self._older, *self._graphs.values())
        self._graphs.clear()
        super().capture()


class _GraphsAsConfigured(EncoderCudaGraphManager):
    """Reports one graph per budget, captured or not."""

    @property
    def statistics(self) -> Statistics:
        return replace(super().statistics, graphs_captured=len(self.limits.budgets))


class _CountsWhileCaptured(EncoderCudaGraphManager):
    """Counts nothing without graphs: there is nothing to hit."""

    def execute(self, items: Sequence[Item]) -> list[Tensor]:
        before = self._counters.misses
        outputs = super().execute(items)
        if not self.is_captured:
            self._counters.misses = before
        return outputs


class _MemoryAsMeasured(EncoderCudaGraphManager):
    """Reports what the last capture measured, also when it was dropped."""

    _measured: tuple[BudgetMemory, ...] = ()

    def capture(self) -> None:
        super().capture()
        self._measured = super().memory

    @property
    def memory(self) -> tuple[BudgetMemory, ...]:
        return self._measured


FAULTS = (
    Fault(
        id="lifecycle/flag-stays-up",
        breaks="after a clear replays are still planned, and fail",
        caught_by=("lifecycle/clear-then-capture",),
        parts=lambda: Parts(manager=_FlagStaysUp),
    ),
    Fault(
        id="lifecycle/captures-twice",
        breaks="a second capture keeps the graphs of the first",
        caught_by=("lifecycle/capture-twice",),
        parts=lambda: Parts(manager=_CapturesTwice),
        source="BUG-E19",
    ),
    Fault(
        id="lifecycle/graphs-as-configured",
        breaks="graphs are reported that were dropped",
        caught_by=("lifecycle/reports-follow",),
        parts=lambda: Parts(manager=_GraphsAsConfigured),
    ),
    Fault(
        id="lifecycle/counts-while-captured",
        breaks="items that run in eager after a clear are not counted",
        caught_by=("lifecycle/reports-follow",),
        parts=lambda: Parts(manager=_CountsWhileCaptured),
    ),
    Fault(
        id="lifecycle/memory-as-measured",
        breaks="memory is reported that was given back",
        caught_by=("lifecycle/reports-follow",),
        parts=lambda: Parts(manager=_MemoryAsMeasured),
        source="BUG-E19",
    ),
)
