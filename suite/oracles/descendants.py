"""Which processes this one has started, or those that it started, read from the system and not asked of anybody.

A process that gives its children to others, or leads a group of its own, is still known once it was seen.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
STEP_SECONDS = 0.02


@dataclass(frozen=True, order=True)
class Process:
    """One process; its number may be given out again, its number with the time of its start is not."""

    number: int
    started: int
    """In ticks of the system's clock."""

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True)
class _Line:
    process: Process
    parent: int
    is_dead: bool
    """Whether it has ended, and its parent has not asked how."""


class NoProcesses(RuntimeError):
    """The system does not show its processes under /proc."""


def _table() -> Iterator[_Line]:
    """All processes of the machine.

    Raises:
        NoProcesses: they are not shown here.
    """
    if not (PROC / "self" / "stat").exists():
        raise NoProcesses(f"{PROC} shows no processes: laws on processes that are left need Linux.")
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            # A process may end while it is read.
            with contextlib.suppress(OSError):
                yield _line(int(folder.name), (folder / "stat").read_text())


def _line(number: int, text: str) -> _Line:
    # The name of the program stands in brackets, and may hold any character.
    fields = text.rpartition(")")[2].split()
    return _Line(Process(number, int(fields[19])), int(fields[1]), fields[0] in "ZX")


def descendants() -> set[Process]:
    """Children of this process, their children, and so on; those included that have ended and were not asked for."""
    children: dict[int, list[Process]] = {}
    for line in _table():
        children.setdefault(line.parent, []).append(line.process)
    found: set[Process] = set()
    waiting = [os.getpid()]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child.number)
    return found


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
        return self._seen & {line.process for line in _table()} if self._seen else set()

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
