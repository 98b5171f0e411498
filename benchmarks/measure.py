"""Medians of wall time, and figures beside their targets."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Work: TypeAlias = Callable[[], object]
Figures: TypeAlias = dict[str, object]
"""A part of the printed object."""

CALLS = 5
"""Calls under one reading of the clock: a single one is too short for it."""


@dataclass(frozen=True)
class Effort:
    """How hard to measure."""

    repeats: int = 5
    """Readings of the clock of which the median counts."""
    full: bool = False
    """Whether to run what takes minutes."""


def median_seconds(
    works: Mapping[str, Work], *, repeats: int, calls: int = CALLS, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Seconds of one call of each work, by name. With `time.process_time`, seconds of this process' own.

    The works take turns, so that whatever else the machine does slows all of them alike and their ratios stay
    true. The first turn of each is not counted: it pays for what is made on first use.
    """
    for work in works.values():
        work()
    readings: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            readings[name].append(_seconds(work, calls, clock) / calls)
    return {name: statistics.median(seconds) for name, seconds in readings.items()}


def _seconds(work: Work, calls: int, clock: Callable[[], float]) -> float:
    started = clock()
    for _ in range(calls):
        work()
    return clock() - started


def at_most(value: float, target: float) -> Figures:
    """A figure whose target is an upper bound."""
    return {"value": value, "target": target, "meets": value <= target}
