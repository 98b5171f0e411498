"""Which processes are left after a call: whatever was started since, by whomever, and is not gone in time.

Nobody is asked. A process started meanwhile inherits a mark in its environment, which the system shows under `/proc`
also when its parent is gone; and whatever descends from this process now and did not before is looked at too.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker

from suite.oracles.process_table import PROC, Line, Process, descendants_of, table

PATIENCE = 3.0
"""Seconds in which what was ended must be gone."""
_MARK = "LOCKSTEP_STARTED_BY"


@dataclass(frozen=True)
class LeftProcess:
    """A process that is still there."""

    pid: int
    parent: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} of parent {self.parent}: {self.command}"


@dataclass
class Watch:
    """The processes that were started since it began."""

    mark: str
    before: frozenset[Process] = field(default_factory=frozenset)

    def started(self) -> list[LeftProcess]:
        """Those that run now, one that ended and was not waited for aside."""
        new = [line for line in _running() if line.process not in self.before]
        ours = descendants_of(os.getpid(), new)
        found = (line for line in new if line.process in ours or self._is_marked(line.process.number))
        return [LeftProcess(line.process.number, line.parent, line.command) for line in found]

    def left(self, *, patience: float = PATIENCE) -> list[LeftProcess]:
        """Those that are still there after a while; at once, if there are none."""
        deadline = time.monotonic() + patience
        while (found := self.started()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    def end(self) -> None:
        """Ends those that carry the mark, so that no later case suffers from them."""
        for each in self.started():
            if self._is_marked(each.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGKILL)

    def _is_marked(self, pid: int) -> bool:
        try:
            return f"{_MARK}={self.mark}".encode() in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            return False


@contextlib.contextmanager
def watched() -> Iterator[Watch]:
    """A watch over what is started inside; what is left at the end is ended."""
    # Python's own: it is started with the first process of that kind, and lives as long as this one.
    resource_tracker.ensure_running()
    watch = Watch(secrets.token_hex(8), frozenset(line.process for line in _running()))
    before = os.environ.get(_MARK)
    os.environ[_MARK] = watch.mark
    try:
        yield watch
    finally:
        os.environ.pop(_MARK)
        if before is not None:
            os.environ[_MARK] = before
        watch.end()


def _running() -> list[Line]:
    return [line for line in table() if not line.is_dead]
