"""Counts and logs compile seconds; nothing else in the project adds any (SPEC T2, T9, BUG-T04)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol

from reference.compilation.config import CompilationConfig, CompilationMode

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Seconds from any fixed moment."""
DebugDump = Callable[[Path], AbstractContextManager[object]]
"""Opens a dump of what is traced into a folder, and closes it on exit."""

MESSAGE = "torch.compile took %.2f s in total"
JIT_MESSAGE = "torch.compile and initial profiling/warmup run together took %.2f s in total"


class Monitor(Protocol):
    """The form of `monitor_torch_compile`, for whatever stands in its place."""

    def __call__(
        self, config: CompilationConfig, message: str = MESSAGE, is_encoder: bool = False, *, clock: Clock = ...
    ) -> AbstractContextManager[object]:
        """A context whose seconds are counted."""
        ...


class _Running(threading.local):
    """Monitors that run in the current thread, outermost first."""

    def __init__(self) -> None:
        self.monitors: list[CompileMonitor] = []


_running = _Running()
_adding = threading.Lock()


class CompileMonitor:
    """One measured interval. The clock is read once on entry and once on exit.

    SPEC T9: a second belongs to the innermost monitor around it. So a nested monitor's seconds are taken off the one
    around it in the same thread, whatever became of the nested one. If it raised, or its mode adds nothing (`stock`,
    `none`), its seconds are in no counter at all.
    """

    def __init__(
        self, config: CompilationConfig, message: str, is_encoder: bool, *, clock: Clock, dump: DebugDump | None
    ) -> None:
        self.config = config
        self.message = message
        self.is_encoder = is_encoder
        self.clock = clock
        self.nested = 0.0
        """Seconds of monitors directly inside this one."""
        self._dump = dump
        self._open_dump: AbstractContextManager[object] | None = None
        self._stack: list[CompileMonitor] = []
        self._outer: CompileMonitor | None = None
        self._start = 0.0

    def __enter__(self) -> CompileMonitor:
        self._open_dump = self.open_dump()
        self._stack = _running.monitors
        self._outer = self._stack[-1] if self._stack else None
        self._stack.append(self)
        self._start = self.clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        elapsed = self.clock() - self._start
        try:
            self._stack.remove(self)
            self.tell_outer(elapsed)
            if kind is None and self.counts():
                seconds = self.own_seconds(elapsed)
                self.add(seconds)
                self.log(seconds)
        finally:
            self._close_dump(kind, error, trace)

    def counts(self) -> bool:
        """Whether a normal exit adds and logs: in mode full only (SPEC T2)."""
        return self.config.mode is CompilationMode.FULL

    def own_seconds(self, elapsed: float) -> float:
        """Seconds inside this monitor and inside no nested one."""
        return elapsed - self.nested

    def tell_outer(self, elapsed: float) -> None:
        """Hands the seconds of this monitor, its nested ones included, to the one around it."""
        if self._outer is not None:
            self._outer.nested += elapsed

    def add(self, seconds: float) -> None:
        """Adds to exactly one counter; two threads may share a configuration."""
        with _adding:
            if self.is_encoder:
                self.config.encoder_compilation_time += seconds
            else:
                self.config.compilation_time += seconds

    def log(self, seconds: float) -> None:
        """The one line about this interval, with the seconds that were added."""
        logger.info(self.message, seconds)

    def open_dump(self) -> AbstractContextManager[object] | None:
        """The opened debug dump, if the configuration names a folder and something can write it."""
        path = self.config.debug_dump_path
        if path is None or self._dump is None or not self.counts():
            return None
        opened = self._dump(path)
        opened.__enter__()
        return opened

    def _close_dump(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open_dump is None:
            return
        try:
            self._open_dump.__exit__(kind, error, trace)
        except Exception as failure:
            # What the body raised must pass unchanged, so a dump that cannot be closed is only told of.
            if failure is not error:
                logger.warning("the debug dump in %s could not be closed: %r", self.config.debug_dump_path, failure)


def depyf_dump() -> DebugDump | None:
    """The dump of the package depyf, or None where it is not installed."""
    try:
        import depyf  # type: ignore[import-not-found]  # it is optional, and has no types
    except ImportError:
        return None
    return lambda path: depyf.prepare_debug(str(path))


def monitor_torch_compile(
    config: CompilationConfig,
    message: str = MESSAGE,
    is_encoder: bool = False,
    *,
    clock: Clock = time.perf_counter,
    dump: DebugDump | None = None,
) -> CompileMonitor:
    """A context whose own wall seconds go to one counter of `config`, and into one log line (SPEC T2).

    Mode full and a normal exit only. On any exception, `BaseException` included, nothing is added, nothing is logged,
    and the exception passes unchanged. `message` has one `%.2f` for the seconds.
    """
    if dump is None and config.debug_dump_path is not None:
        dump = depyf_dump()
    return CompileMonitor(config, message, is_encoder, clock=clock, dump=dump)
