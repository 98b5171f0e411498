"""All processes of the machine, as Linux shows them under /proc; nobody is asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, order=True)
class Process:
    """One process; its number may be given out again, its number with the time of its start is not."""

    number: int
    started: int
    """In ticks of the system's clock."""

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True)
class Line:
    """What the table says of one process."""

    process: Process
    parent: int
    is_dead: bool
    """Whether it has ended, and its parent has not asked how."""

    @property
    def command(self) -> str:
        """Its command line; empty if it has ended."""
        try:
            words = (PROC / str(self.process.number) / "cmdline").read_bytes()
        except OSError:
            return ""
        return words.replace(b"\0", b" ").decode(errors="replace").strip()


class NoProcesses(RuntimeError):
    """The system does not show its processes under /proc."""


def can_be_read() -> bool:
    """Whether this system shows its processes."""
    return (PROC / "self" / "stat").exists()


def table() -> Iterator[Line]:
    """All processes.

    Raises:
        NoProcesses: they are not shown here.
    """
    if not can_be_read():
        raise NoProcesses(f"{PROC} shows no processes: laws on processes that are left need Linux.")
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            # A process may end while it is read.
            with contextlib.suppress(OSError):
                yield _line(int(folder.name), (folder / "stat").read_text())


def descendants_of(number: int, lines: list[Line]) -> set[Process]:
    """Children of a process, their children, and so on; those included that have ended and were not asked for."""
    children: dict[int, list[Process]] = {}
    for line in lines:
        children.setdefault(line.parent, []).append(line.process)
    found: set[Process] = set()
    waiting = [number]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child.number)
    return found


def _line(number: int, text: str) -> Line:
    # The name of the program stands in brackets, and may hold any character.
    fields = text.rpartition(")")[2].split()
    return Line(Process(number, int(fields[19])), int(fields[1]), fields[0] in "ZX")
