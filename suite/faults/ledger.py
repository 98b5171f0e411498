"""Faults of the ledger: a monitor that counts other seconds than its own."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import ClassVar

from reference.compilation.monitor import CompileMonitor
from suite.faults import injection
from suite.faults.fault import Fault

_COUNTERS = ("compilation_time", "encoder_compilation_time")


class _KeepsNested(CompileMonitor):
    """Counts the seconds of nested compiles once more."""

    def tell_outer(self, elapsed: float) -> None:
        return


class _OneStart(CompileMonitor):
    """Keeps the start of the last monitor that was entered, for all of them."""

    latest: ClassVar[float] = 0.0

    def __enter__(self) -> CompileMonitor:
        super().__enter__()
        _OneStart.latest = self._start
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._start = _OneStart.latest
        super().__exit__(kind, error, trace)


class _TellsEveryOuter(CompileMonitor):
    """Takes its seconds off every monitor around it, not only off the next."""

    def tell_outer(self, elapsed: float) -> None:
        for outer in self._stack:
            outer.nested += elapsed


class _TellsOwnOnly(CompileMonitor):
    """Tells the monitor around it of its own seconds, and not of those nested in itself."""

    def tell_outer(self, elapsed: float) -> None:
        super().tell_outer(self.own_seconds(elapsed))


class _OtherKindIsNotNested(CompileMonitor):
    """Takes a nested compile's seconds off only if it is of the same component."""

    def tell_outer(self, elapsed: float) -> None:
        if self._outer is not None and self._outer.is_encoder == self.is_encoder:
            super().tell_outer(elapsed)


class _OtherWorkerIsNotNested(CompileMonitor):
    """Takes a nested compile's seconds off only if it has the same configuration."""

    def tell_outer(self, elapsed: float) -> None:
        if self._outer is not None and self._outer.config is self.config:
            super().tell_outer(elapsed)


class _UncountedIsNotNested(CompileMonitor):
    """Takes a nested compile's seconds off only if they are counted."""

    def tell_outer(self, elapsed: float) -> None:
        if self.counts():
            super().tell_outer(elapsed)


class _ThreadsShareNesting(CompileMonitor):
    """Takes a monitor that any thread has opened for the one around it."""

    opened: ClassVar[list[CompileMonitor]] = []

    def __enter__(self) -> CompileMonitor:
        super().__enter__()
        self._outer = self.opened[-1] if self.opened else None
        self.opened.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.opened.remove(self)
        super().__exit__(kind, error, trace)


class _MainThreadOnly(CompileMonitor):
    """Counts nothing that another thread compiled."""

    def add(self, seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            super().add(seconds)


class _LosesUpdates(CompileMonitor):
    """Reads the counter on entry and writes it on exit: what was added meanwhile is lost."""

    def __enter__(self) -> CompileMonitor:
        self.before = self.counter()
        return super().__enter__()

    def add(self, seconds: float) -> None:
        setattr(self.config, _COUNTERS[self.is_encoder], self.before + seconds)

    def counter(self) -> float:
        """The counter that it adds to."""
        return float(getattr(self.config, _COUNTERS[self.is_encoder]))


class _KeepsLast(_LosesUpdates):
    """Keeps the seconds of the last compile only."""

    def add(self, seconds: float) -> None:
        setattr(self.config, _COUNTERS[self.is_encoder], seconds)


class _KeepsLongest(_LosesUpdates):
    """Keeps the seconds of the longest compile, as an executor does over workers."""

    def add(self, seconds: float) -> None:
        setattr(self.config, _COUNTERS[self.is_encoder], max(self.counter(), seconds))


class _CountsHundredths(CompileMonitor):
    """Adds what is printed."""

    def add(self, seconds: float) -> None:
        super().add(round(seconds, 2))


class _AddsTwice(CompileMonitor):
    """Adds what the back end has added already."""

    def add(self, seconds: float) -> None:
        super().add(seconds)
        super().add(seconds)


FAULTS = (
    Fault(
        id="ledger/nested-counts-twice",
        breaks="the seconds of a nested compile are counted in the one around it too",
        caught_by=(
            "ledger/nested-seconds-once",
            "ledger/every-second-once",
        ),
        parts=injection.monitor(_KeepsNested),
        sampled=True,
        source="BUG-T04",
    ),
    Fault(
        id="ledger/one-start",
        breaks="a nested compile overwrites when the one around it began",
        caught_by=("ledger/nested-seconds-once",),
        parts=injection.monitor(_OneStart),
    ),
    Fault(
        id="ledger/off-every-outer",
        breaks="a compile's seconds are taken off every compile around it",
        caught_by=("ledger/nested-seconds-once",),
        parts=injection.monitor(_TellsEveryOuter),
    ),
    Fault(
        id="ledger/own-off-outer",
        breaks="seconds nested two deep are taken off nothing but the compile between",
        caught_by=("ledger/nested-seconds-once",),
        parts=injection.monitor(_TellsOwnOnly),
    ),
    Fault(
        id="ledger/other-kind-is-not-nested",
        breaks="an encoder compiled inside a language model counts in both",
        caught_by=("ledger/nested-seconds-once",),
        parts=injection.monitor(_OtherKindIsNotNested),
        source="BUG-T03",
    ),
    Fault(
        id="ledger/other-worker-is-not-nested",
        breaks="a compile of one worker inside another's counts in both",
        caught_by=("ledger/nested-seconds-once",),
        parts=injection.monitor(_OtherWorkerIsNotNested),
    ),
    Fault(
        id="ledger/uncounted-is-not-nested",
        breaks="a nested compile in mode none or stock counts in the one around it",
        caught_by=("ledger/other-modes-do-not-matter",),
        parts=injection.monitor(_UncountedIsNotNested),
    ),
    Fault(
        id="ledger/threads-share-nesting",
        breaks="a compile in another thread is taken for the one around",
        caught_by=("ledger/threads-are-apart",),
        parts=injection.monitor(_ThreadsShareNesting),
    ),
    Fault(
        id="ledger/main-thread-only",
        breaks="compiles in other threads than the first are not counted",
        caught_by=("ledger/threads-are-apart",),
        parts=injection.monitor(_MainThreadOnly),
    ),
    Fault(
        id="ledger/loses-updates",
        breaks="what others add to a counter during a compile is lost",
        caught_by=(
            "ledger/threads-are-apart",
            "ledger/nested-seconds-once",
        ),
        parts=injection.monitor(_LosesUpdates),
    ),
    Fault(
        id="ledger/keeps-the-last",
        breaks="a counter starts anew with every compile",
        caught_by=(
            "ledger/flag-is-kept",
            "ledger/every-second-once",
        ),
        parts=injection.monitor(_KeepsLast),
    ),
    Fault(
        id="ledger/keeps-the-longest",
        breaks="a counter is the maximum of its compiles instead of their sum",
        caught_by=("ledger/every-second-once",),
        parts=injection.monitor(_KeepsLongest),
    ),
    Fault(
        id="ledger/hundredths",
        breaks="seconds are rounded to what is printed before they are added",
        caught_by=("ledger/every-second-once",),
        parts=injection.monitor(_CountsHundredths),
    ),
    Fault(
        id="ledger/adds-twice",
        breaks="back end and monitor both add a compile's seconds",
        caught_by=(
            "ledger/every-second-once",
            "ledger/lines-agree-with-counters",
        ),
        parts=injection.monitor(_AddsTwice),
        source="BUG-T04",
    ),
)
