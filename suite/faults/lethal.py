"""Faults that hang or end the process: to be planted in a child process with limits."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence

from torch import Tensor

from models.api import Item
from reference.encoder_graph.manager import BudgetGraph, EncoderCudaGraphManager
from reference.model_runner import EncoderModelRunner
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _Hangs(EncoderModelRunner):
    """Waits for a signal that nobody sends."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        while True:
            time.sleep(0.1)


class _Dies(EncoderCudaGraphManager):
    """Ends the process in a replay, as a fault of the driver does."""

    def _replay(self, batch: Sequence[Item], captured: BudgetGraph) -> list[Tensor]:
        os._exit(3)


class _HangsOn(EncoderModelRunner):
    """Waits again whenever it is woken: no exception from outside gets through."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        while True:
            with contextlib.suppress(BaseException):
                time.sleep(0.1)


class _DiesInCapture(EncoderCudaGraphManager):
    """Is killed by the system while it captures, as a process out of memory is."""

    def capture(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


FAULTS = (
    Fault(
        id="lethal/hangs",
        breaks="a call never comes back",
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(runner=_Hangs),
        lethal=True,
    ),
    Fault(
        id="lethal/dies",
        breaks="a replay ends the process without a word",
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(manager=_Dies),
        source="BUG-E16",
        lethal=True,
    ),
    Fault(
        id="lethal/hangs-on",
        breaks="a call never comes back and cannot be interrupted",
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(runner=_HangsOn),
        lethal=True,
    ),
    Fault(
        id="lethal/dies-in-capture",
        breaks="the process is killed before the first request",
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(manager=_DiesInCapture),
        source="BUG-E19",
        lethal=True,
    ),
)
