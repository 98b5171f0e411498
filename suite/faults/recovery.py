"""Faults of life-cycle and recovery: failures that are swallowed, and what a capture or a clear leaves behind."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor

from models.api import Item
from reference.encoder_graph.manager import BudgetGraph, EncoderCudaGraphManager
from reference.encoder_graph.packing import Bin
from reference.encoder_graph.statistics import Counters
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts

logger = logging.getLogger(__name__)


class _ZerosForFailures(EncoderCudaGraphManager):
    """Answers with zeros where neither a replay nor eager came through."""

    def _execute_bin(self, items: Sequence[Item], planned: Bin) -> list[Tensor]:
        try:
            return super()._execute_bin(items, planned)
        except RuntimeError:
            logger.exception("encoding failed")
            specs = self._model.get_encoder_cudagraph_item_specs(items)
            self._counters.miss(len(planned.items))
            return [torch.zeros(specs[i].output_tokens, self._facts.out_hidden_size) for i in planned.items]


class _ReplayFailurePasses(EncoderCudaGraphManager):
    """Lets the failure of a replay through to the request."""

    def _execute_bin(self, items: Sequence[Item], planned: Bin) -> list[Tensor]:
        if planned.budget is None:
            return super()._execute_bin(items, planned)
        batch = self._model.select_encoder_cudagraph_items(items, planned.items)
        outputs = self._replay(batch, self._graphs[planned.budget])
        self._counters.hit(len(batch))
        return outputs


class _HitsBeforehand(EncoderCudaGraphManager):
    """Counts hits when a replay is prepared, so that the items of a failed one are hits and misses."""

    def _execute_bin(self, items: Sequence[Item], planned: Bin) -> list[Tensor]:
        if planned.budget is None:
            return super()._execute_bin(items, planned)
        batch = self._model.select_encoder_cudagraph_items(items, planned.items)
        self._counters.hit(len(batch))
        try:
            return self._replay(batch, self._graphs[planned.budget])
        except RuntimeError:
            self._counters.replay_failed()
            return super()._execute_bin(items, Bin(planned.items, None))


class _FallsBackOnce(_ReplayFailurePasses):
    """Falls back for the first failure, and lets a second through as a sign of something worse."""

    def _execute_bin(self, items: Sequence[Item], planned: Bin) -> list[Tensor]:
        if self._counters.replay_failures:
            return super()._execute_bin(items, planned)
        return EncoderCudaGraphManager._execute_bin(self, items, planned)


class _HitAllTheSame(EncoderCudaGraphManager):
    """Counts the items of a failed replay as hits, since they were meant for a graph."""

    def _execute_bin(self, items: Sequence[Item], planned: Bin) -> list[Tensor]:
        misses = self._counters.misses
        outputs = super()._execute_bin(items, planned)
        if planned.budget is not None and self._counters.misses > misses:
            self._counters.misses = misses
            self._counters.hit(len(planned.items))
        return outputs


class _Uncounted(Counters):
    """Leaves failed replays to the log."""

    def replay_failed(self) -> None:
        return


class _FailureTwice(Counters):
    """Counts a failed replay where it is raised and where it is answered."""

    def replay_failed(self) -> None:
        self.replay_failures += 2


class _CaptureGoesOn(EncoderCudaGraphManager):
    """Logs a failed capture and starts without graphs."""

    def capture(self) -> None:
        try:
            super().capture()
        except RuntimeError:
            logger.exception("capture failed: encoder graphs stay off")


class _KeepsTheFailure(EncoderCudaGraphManager):
    """Keeps the last failure for diagnosis, and with its traceback every tensor of the failed capture."""

    def capture(self) -> None:
        try:
            super().capture()
        except RuntimeError as error:
            self.last_failure = error
            raise


class _KeepsOutputs(EncoderCudaGraphManager):
    """Keeps the outputs of cleared graphs, in case somebody still reads them."""

    def clear(self) -> None:
        kept = getattr(self, "kept", [])
        self.kept = [*kept, *(captured.output for captured in self._graphs.values())]
        super().clear()


class _ClearsLater(EncoderCudaGraphManager):
    """Forgets the graphs on clear but destroys them only before the next capture."""

    def clear(self) -> None:
        for captured in getattr(self, "waiting", []):
            captured.graph.reset()
        self.waiting = list(self._graphs.values())
        self._graphs.clear()
        self._memory.clear()


class _GivesUp(EncoderCudaGraphManager):
    """Runs everything in eager after one failed replay."""

    _failed = False

    def _is_graphed(self, item: Item) -> bool:
        return super()._is_graphed(item) and not self._failed

    def _replay(self, batch: Sequence[Item], captured: BudgetGraph) -> list[Tensor]:
        try:
            return super()._replay(batch, captured)
        except RuntimeError:
            self._failed = True
            raise


class _HalfKept(EncoderCudaGraphManager):
    """Keeps the graphs that were captured before one failed."""

    def capture(self) -> None:
        self.clear()
        pool = self._device.new_pool()
        for budget in reversed(self.limits.budgets):
            self._graphs[budget] = self._capture_one(budget, pool)


FAULTS = (
    Fault(
        id="recovery/zeros-for-failures",
        breaks="a failure of the eager path is answered with zeros",
        caught_by=("recovery/eager-failure-passes",),
        parts=lambda: Parts(manager=_ZerosForFailures),
        sampled=True,
    ),
    Fault(
        id="recovery/replay-failure-passes",
        breaks="a replay that raises ends the request",
        caught_by=("recovery/replay-failure-falls-back",),
        parts=lambda: Parts(manager=_ReplayFailurePasses),
    ),
    Fault(
        id="recovery/hits-beforehand",
        breaks="the items of a failed replay are counted as hits and as misses",
        caught_by=("recovery/replay-failure-falls-back",),
        parts=lambda: Parts(manager=_HitsBeforehand),
    ),
    Fault(
        id="recovery/falls-back-once",
        breaks="the second failed replay of a session ends its request",
        caught_by=("recovery/replay-failure-falls-back",),
        parts=lambda: Parts(manager=_FallsBackOnce),
    ),
    Fault(
        id="recovery/hit-all-the-same",
        breaks="items that eager answered after a failed replay are counted as hits",
        caught_by=("recovery/replay-failure-falls-back",),
        parts=lambda: Parts(manager=_HitAllTheSame),
    ),
    Fault(
        id="recovery/failure-uncounted",
        breaks="a failed replay is answered by eager and not counted",
        caught_by=("recovery/replay-failure-falls-back",),
        parts=injection.counters(_Uncounted),
    ),
    Fault(
        id="recovery/failure-twice",
        breaks="one failed replay is counted as two",
        caught_by=("recovery/replay-failure-falls-back",),
        parts=injection.counters(_FailureTwice),
    ),
    Fault(
        id="recovery/capture-goes-on",
        breaks="a failed capture is not told to the caller",
        caught_by=("recovery/capture-failure-leaves-nothing",),
        parts=lambda: Parts(manager=_CaptureGoesOn),
        source="BUG-E21",
    ),
    Fault(
        id="recovery/keeps-the-failure",
        breaks="a failed capture's memory stays in use",
        caught_by=("recovery/capture-failure-leaves-nothing",),
        parts=lambda: Parts(manager=_KeepsTheFailure),
        source="BUG-G19",
    ),
    Fault(
        id="recovery/keeps-outputs",
        breaks="outputs of cleared graphs keep their pool in memory",
        caught_by=("lifecycle/clear-then-capture",),
        parts=lambda: Parts(manager=_KeepsOutputs),
        source="BUG-G19",
    ),
    Fault(
        id="recovery/clears-later",
        breaks="graphs outlive the clear that dropped them",
        caught_by=("lifecycle/clear-then-capture",),
        parts=lambda: Parts(manager=_ClearsLater),
        source="BUG-E19",
    ),
    Fault(
        id="recovery/gives-up",
        breaks="one failed replay sends everything to eager for good",
        caught_by=("recovery/replay-failure-falls-back",),
        parts=lambda: Parts(manager=_GivesUp),
    ),
    Fault(
        id="recovery/half-kept",
        breaks="the graphs captured before one failed stay alive",
        caught_by=("recovery/capture-failure-leaves-nothing",),
        parts=lambda: Parts(manager=_HalfKept),
        source="BUG-G19",
    ),
)
