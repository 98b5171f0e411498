"""The startup facets of a subject: its benchmark over starts of the suite's making, and real starts of its own.

Only subjects that declare `startup_benchmark` or `real_starts` have them. What a start found, where it ran, and what
was in the file of results meanwhile is observed by the starts themselves (`suite.contract.observed_start`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from suite.contract.calls import SubjectFailed
from suite.contract.observed_start import Script
from suite.contract.startup_case import StartupCase
from suite.contract.subject import Subject


@dataclass(frozen=True)
class ShownRow:
    """The statistics of one metric in one phase, as a person reads them."""

    key: str
    """Phase and metric: `cold_startup`."""
    numbers: tuple[str, ...]
    """The average, then the percentiles 10, 25, 50, 75, 90, 99, in seconds, each as it is printed."""


@dataclass(frozen=True, order=True)
class ToldCounts:
    """How much each start of a phase is said to have compiled, and taken from the cache."""

    phase: str
    counts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, order=True)
class ToldFailure:
    """What a subject says of a start that failed."""

    phase: str
    number: int
    """In its phase, from 1."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run of the benchmark ended, as whoever called it sees it."""

    status: int
    """The exit status."""
    text: str
    """Everything that was printed."""
    rows: tuple[ShownRow, ...] = ()
    """Read from the text."""
    counts: tuple[ToldCounts, ...] = ()
    """Read from the text."""
    failures: tuple[ToldFailure, ...] = ()
    """Read from the text."""
    filed: tuple[ToldFailure, ...] = ()
    """Read from the file of results."""


@dataclass(frozen=True, kw_only=True)
class StartFacts:
    """What a real start says of itself.

    Raises:
        SubjectFailed: a time or a count is not finite, or below 0.
    """

    seconds: float
    init: float
    language_model: float
    """Compile seconds."""
    encoder: float
    compiles: int
    """Programs and pieces that were compiled."""
    loads: int
    """Programs and pieces that came from the cache."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise SubjectFailed(f"a start says {name}={value!r}, not a finite number of at least 0")


@runtime_checkable
class StartupSubject(Subject, Protocol):
    """A subject that has a startup benchmark."""

    def benchmark(self, case: StartupCase, script: Script) -> Ended:
        """Capability `startup_benchmark`: its benchmark with so many cold and warm starts, and a file of results.

        Each start is `take_part(script, cache)` with the cache that the subject gives it, in this process; with
        `case.processes` (capability `fresh_starts`) in the process that the subject makes for it.
        """
        ...


@runtime_checkable
class RealStartSubject(Subject, Protocol):
    """A subject that can start its own engine."""

    def real_start(self, family: str, cache: Path, *, encoder: bool) -> StartFacts:
        """Capability `real_starts`: starts its engine with that model and cache in this process, and ends it."""
        ...
