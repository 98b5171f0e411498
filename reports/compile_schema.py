"""The part of schema 1 that tells of compiling: whose each second is, and what a tower was compiled to.

All times are seconds. What a subject says of itself (`said`, `counted`, all of a compiled graph) may be any number,
NaN too: it is shown as it is. What the run says of a ledger must be drawable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


def _refuse(name: str, value: float, *, least: float = 0.0) -> None:
    if not (math.isfinite(value) and value >= least):
        raise ValueError(f"{name} must be finite and {least:g} or more, got {value}")


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One monitored compile: where it is, what belongs to it (`own`), and what was said for it (None: nothing).

    `also` is the place that had counted already what is said beyond `own`.
    """

    place: str
    component: str
    start: float
    end: float
    own: float
    worker: int = 0
    thread: int = 0
    said: float | None = None
    also: str | None = None

    def __post_init__(self) -> None:
        """Refuse what has no place on a time axis."""
        _refuse("start", self.start)
        _refuse("end", self.end, least=self.start)
        _refuse("own", self.own)


@dataclass(frozen=True, kw_only=True)
class LedgerAccount:
    """One counter of one worker: what it should say, and what it says."""

    component: str
    expected: float
    counted: float
    worker: int = 0

    def __post_init__(self) -> None:
        """Refuse an expectation that cannot be drawn."""
        _refuse("expected", self.expected)


@dataclass(frozen=True, kw_only=True)
class LedgerSheet:
    """Every monitored compile of a run of `wall` seconds, and every counter after it.

    `resolution` is the step to which `said` is known: less than half of it is no difference.
    """

    wall: float
    title: str = ""
    entries: tuple[LedgerEntry, ...] = ()
    accounts: tuple[LedgerAccount, ...] = ()
    resolution: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a run that has no length."""
        _refuse("wall", self.wall)
        _refuse("resolution", self.resolution)


@dataclass(frozen=True, kw_only=True)
class CompiledGraph:
    """One program, its pieces, and where the seconds of its compile went.

    `wall` is what was monitored, `counted` what the counter grew by, `resolution` the step to which both are known.
    """

    program: str
    backend: str
    component: str
    wall: float
    counted: float
    pieces: int = 0
    ranges: str = ""
    traced: int = 0
    compiled: int = 0
    loaded: int = 0
    shared: int = 0
    trace_seconds: float = 0.0
    piece_seconds: tuple[float, ...] = ()
    resolution: float = 0.01

    def __post_init__(self) -> None:
        """Refuse a step in which nothing can be counted."""
        _refuse("resolution", self.resolution, least=1e-9)
