"""Faults of failed compiles: a monitor that counts them, tells of them, or lets out something else."""

from __future__ import annotations

from types import TracebackType

from reference.compilation.compiled_forward import AotImpossible, NothingStored
from reference.compilation.monitor import CompileMonitor
from suite.faults import injection
from suite.faults.fault import Fault


class _OnFailure(CompileMonitor):
    """A monitor that does something of its own when a compile fails."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        elapsed = self.clock() - self._start
        if error is not None and not isinstance(error, NothingStored | AotImpossible):
            self.fail(error, elapsed)
        super().__exit__(kind, error, trace)

    def fail(self, error: BaseException, elapsed: float) -> None:
        """Called before the monitor is left."""


class _CountsFailures(_OnFailure):
    """Counts in a `finally`."""

    def fail(self, error: BaseException, elapsed: float) -> None:
        self.add(self.own_seconds(elapsed))


class _CountsInterruptions(_OnFailure):
    """Takes only an `Exception` for a failure."""

    def fail(self, error: BaseException, elapsed: float) -> None:
        if not isinstance(error, Exception):
            self.add(self.own_seconds(elapsed))


class _FailureIsNotNested(_OnFailure):
    """Leaves the seconds of a failure to the compile around it."""

    def fail(self, error: BaseException, elapsed: float) -> None:
        self._outer = None


class _FailureKeepsItsNested(_OnFailure):
    """Tells of a failure without the compiles that succeeded in it."""

    def fail(self, error: BaseException, elapsed: float) -> None:
        if self._outer is not None:
            self._outer.nested -= self.nested


class _LogsFailures(_OnFailure):
    """Tells how long a failed compile took."""

    def fail(self, error: BaseException, elapsed: float) -> None:
        if self.counts():
            self.log(self.own_seconds(elapsed))


class _WrapsFailures(_OnFailure):
    """Raises a failure of its own instead of the compile's."""

    def fail(self, error: BaseException, elapsed: float) -> None:
        if isinstance(error, Exception):
            super().__exit__(NothingStored, NothingStored(), None)
            raise RuntimeError("compiling failed") from error


FAULTS = (
    Fault(
        id="failures/failure-counts",
        breaks="the seconds of a failed compile are counted",
        caught_by=(
            "ledger/failure-counts-nothing",
            "ledger/failed-load-counts-nothing",
        ),
        parts=injection.monitor(_CountsFailures),
    ),
    Fault(
        id="failures/interruption-counts",
        breaks="the seconds of an interrupted compile are counted",
        caught_by=("ledger/failure-counts-nothing",),
        parts=injection.monitor(_CountsInterruptions),
    ),
    Fault(
        id="failures/failure-is-not-nested",
        breaks="the seconds of a failed compile count in the one around it",
        caught_by=("ledger/failure-counts-nothing",),
        parts=injection.monitor(_FailureIsNotNested),
    ),
    Fault(
        id="failures/failure-keeps-its-nested",
        breaks="what succeeded inside a failed compile counts around it too",
        caught_by=("ledger/failure-counts-nothing",),
        parts=injection.monitor(_FailureKeepsItsNested),
    ),
    Fault(
        id="failures/logs-failures",
        breaks="a failed compile logs how long it took",
        caught_by=("ledger/one-line-per-compile",),
        parts=injection.monitor(_LogsFailures),
    ),
    Fault(
        id="failures/wraps-failures",
        breaks="a failed compile raises another exception",
        caught_by=("ledger/failures-pass-unchanged",),
        parts=injection.monitor(_WrapsFailures),
    ),
)
