"""Which processes this one has started, or those that it started, read from the system and not asked of anybody.

A process that gives its children to others, or leads a group of its own, is still known once it was seen. This is for
processes that are forked; `left_processes.py` knows those of fresh interpreters by a mark, seen or not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from suite.oracles.process_table import Process, descendants_of, table

STEP_SECONDS = 0.02


def descendants() -> set[Process]:
    """Children of this process, their children, and so on; those included that have ended and were not asked for.

    Raises:
        NoProcesses: the system does not show its processes.
    """
    return descendants_of(os.getpid(), list(table()))


class Offspring:
    """Processes that this one has from now on."""

    def __init__(self) -> None:
        self._before = descendants()
        self._seen: set[Process] = set()

    def note(self) -> set[Process]:
        """Remembers those that are there now, and gives them."""
        new = descendants() - self._before
        self._seen |= new
        return new

    def left(self, *, seconds: float) -> set[Process]:
        """Those that were seen, or are there now, and are not gone within so many seconds."""
        self.note()
        deadline = time.monotonic() + seconds
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(STEP_SECONDS)
        return left

    def _left(self) -> set[Process]:
        return self._seen & {line.process for line in table()} if self._seen else set()

    def end(self) -> None:
        """Ends whoever is left, so that no later case suffers from it."""
        self.note()
        for process in self._left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.number, signal.SIGKILL)
        for process in self._left():
            # Only a child of one's own can be asked for.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.number, 0)
