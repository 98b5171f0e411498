"""Faults of what is told of compile time: log lines, modes, and a configuration that is not left alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import ClassVar

from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.monitor import MESSAGE, CompileMonitor, logger
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_compilation import SOUND
from suite.subjects.reference_parts import Parts

_COUNTERS = ("compilation_time", "encoder_compilation_time")


def _configured_by(kind: type[CompilationConfig]) -> Callable[[], Parts]:
    """The reference with another configuration."""
    return lambda: Parts(compilation=replace(SOUND, config=kind))


class _LogsTotal(CompileMonitor):
    """Tells the counter."""

    def log(self, seconds: float) -> None:
        super().log(getattr(self.config, _COUNTERS[self.is_encoder]))


class _LogsNested(CompileMonitor):
    """Tells the wall time."""

    def log(self, seconds: float) -> None:
        super().log(seconds + self.nested)


class _LogsMilliseconds(CompileMonitor):
    """Tells another unit."""

    def log(self, seconds: float) -> None:
        super().log(seconds * 1000)


class _OneMessage(CompileMonitor):
    """Has one text for every path."""

    def log(self, seconds: float) -> None:
        logger.info(MESSAGE, seconds)


class _QuietWhenShort(CompileMonitor):
    """Tells only what shows."""

    def log(self, seconds: float) -> None:
        if seconds >= 0.01:
            super().log(seconds)


class _NestedIsQuiet(CompileMonitor):
    """Tells of outermost compiles."""

    def log(self, seconds: float) -> None:
        if self._outer is None:
            super().log(seconds)


class _IgnoresMode(CompileMonitor):
    """Counts whatever the mode."""

    def counts(self) -> bool:
        return True


class _StockCounts(CompileMonitor):
    """Counts whatever compiles."""

    def counts(self) -> bool:
        return self.config.mode is not CompilationMode.NONE


class _LogsEveryMode(CompileMonitor):
    """Tells of what it does not count."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self.counts():
            self.log(self.own_seconds(self.clock() - self._start))
        super().__exit__(kind, error, trace)


class _HashesSeconds(CompilationConfig):
    """Hashes every field."""

    def compute_hash(self) -> str:
        text = f"{super().compute_hash()} {self.compilation_time} {self.encoder_compilation_time}"
        return hashlib.sha256(text.encode()).hexdigest()


class _PrintsSeconds(CompilationConfig):
    """Prints every field."""

    def __repr__(self) -> str:
        return f"{super().__repr__()} after {self.compilation_time + self.encoder_compilation_time} s"


class _OneForAll(CompilationConfig):
    """Keeps the counters in the class, and zeroes them when a configuration is made."""

    seconds: ClassVar[dict[str, float]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seconds.update(dict.fromkeys(_COUNTERS, 0.0))

    def __setattr__(self, name: str, value: object) -> None:
        if name in _COUNTERS and isinstance(value, float):
            self.seconds[name] = value
        else:
            super().__setattr__(name, value)

    def __getattribute__(self, name: str) -> object:
        return _OneForAll.seconds[name] if name in _COUNTERS else super().__getattribute__(name)


FAULTS = (
    Fault(
        id="lines/logs-total",
        breaks="a line tells the whole counter instead of what its compile added",
        caught_by=("ledger/lines-agree-with-counters",),
        parts=injection.monitor(_LogsTotal),
    ),
    Fault(
        id="lines/logs-nested",
        breaks="a line tells the seconds of nested compiles too",
        caught_by=("ledger/lines-agree-with-counters",),
        parts=injection.monitor(_LogsNested),
        source="BUG-T04",
    ),
    Fault(
        id="lines/logs-milliseconds",
        breaks="a line tells milliseconds as seconds",
        caught_by=("ledger/lines-agree-with-counters",),
        parts=injection.monitor(_LogsMilliseconds),
    ),
    Fault(
        id="lines/one-message",
        breaks="a compile just in time does not say that its first run is included",
        caught_by=("ledger/one-line-per-compile",),
        parts=injection.monitor(_OneMessage),
    ),
    Fault(
        id="lines/quiet-when-short",
        breaks="a compile that takes no full hundredth of a second logs nothing",
        caught_by=("ledger/one-line-per-compile",),
        parts=injection.monitor(_QuietWhenShort),
    ),
    Fault(
        id="lines/nested-is-quiet",
        breaks="a nested compile adds its seconds and logs nothing",
        caught_by=("ledger/one-line-per-compile",),
        parts=injection.monitor(_NestedIsQuiet),
        source="BUG-T04",
    ),
    Fault(
        id="lines/mode-is-ignored",
        breaks="modes none and stock count as full does",
        caught_by=("ledger/only-full-counts",),
        parts=injection.monitor(_IgnoresMode),
    ),
    Fault(
        id="lines/stock-counts",
        breaks="mode stock counts as full does",
        caught_by=("ledger/only-full-counts",),
        parts=injection.monitor(_StockCounts),
    ),
    Fault(
        id="lines/every-mode-logs",
        breaks="modes none and stock log compile time and add nothing",
        caught_by=("ledger/only-full-counts",),
        parts=injection.monitor(_LogsEveryMode),
    ),
    Fault(
        id="lines/hashes-seconds",
        breaks="the counters are part of the hash of a configuration",
        caught_by=("ledger/configuration-stays-itself",),
        parts=_configured_by(_HashesSeconds),
    ),
    Fault(
        id="lines/prints-seconds",
        breaks="the counters are part of the repr of a configuration",
        caught_by=("ledger/configuration-stays-itself",),
        parts=_configured_by(_PrintsSeconds),
    ),
    Fault(
        id="lines/workers-share-counters",
        breaks="all workers count in the same two numbers",
        caught_by=("ledger/workers-are-apart",),
        parts=_configured_by(_OneForAll),
    ),
)
