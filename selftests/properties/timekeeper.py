"""A second implementation of the ledger, written for these tests: it keeps time in fifty lines of its own.

It shares no code with the reference. What it does in one line, a test may do wrongly in one line.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from models.api import Family
from suite.contract.case import Setup
from suite.contract.compiling import CompiledProgram
from suite.contract.program import COMPONENTS, Start
from suite.contract.subject import AdapterBroken, Capabilities, Session
from suite.contract.timeline import Compile, Counters, Ledger, Timeline
from suite.subjects.virtual_time import DamagedArtifact, VirtualClock, Work, conduct


class Times:
    """The times of one timeline."""

    def __init__(self, timeline: Timeline) -> None:
        self.modes = timeline.modes
        self.clock = VirtualClock()
        self.counters = [dict.fromkeys(COMPONENTS, 0.0) for _ in timeline.modes]
        self.lines: list[str] = []
        self.nested: dict[int, list[float]] = {}
        """Seconds nested in the compiles that are open, innermost last, by thread."""

    def perform(self, each: Compile, work: Work) -> None:
        """One compile."""
        if each.failed_load is not None:
            self.try_to_load(each, work)
        with self.measured(each):
            work.compile()
            if self.runs_inside(each):
                work.first_run()
        if not self.runs_inside(each):
            work.first_run()

    def try_to_load(self, each: Compile, work: Work) -> None:
        """A load that fails."""
        with contextlib.suppress(DamagedArtifact), self.measured(each):
            work.failed_load()

    def runs_inside(self, each: Compile) -> bool:
        """Whether the first run is part of the compile."""
        return each.path == "jit"

    @contextlib.contextmanager
    def measured(self, each: Compile) -> Iterator[None]:
        """Books what passes inside, unless it raises."""
        open_here = self.open_compiles()
        open_here.append(0.0)
        started = self.clock()
        try:
            yield
        except BaseException:
            self.fail(each, self.leave(each, open_here, started))
            raise
        self.book(each, *self.leave(each, open_here, started))

    def open_compiles(self) -> list[float]:
        """Those of this thread."""
        return self.nested.setdefault(threading.get_ident(), [])

    def leave(self, each: Compile, open_here: list[float], started: float) -> tuple[float, float]:
        """Wall seconds, and those of them that were nested."""
        wall, nested = self.clock() - started, open_here.pop()
        if open_here:
            open_here[-1] += wall
        return wall, nested

    def fail(self, each: Compile, seconds: tuple[float, float]) -> None:
        """A compile raised."""

    def book(self, each: Compile, wall: float, nested: float) -> None:
        """A compile succeeded."""
        if self.counts(each):
            self.add(each, wall - nested)
            self.tell(each, wall - nested)

    def counts(self, each: Compile) -> bool:
        """Whether the worker's mode counts."""
        return self.modes[each.worker] == "full"

    def add(self, each: Compile, seconds: float) -> None:
        """To one counter."""
        self.counters[each.worker][each.component] += seconds

    def tell(self, each: Compile, seconds: float) -> None:
        """One line."""
        what = " and initial profiling/warmup run together" if each.path == "jit" else ""
        self.lines.append(f"torch.compile{what} took {seconds:.2f} s in total")

    def ledger(self, escaped: tuple[str, ...]) -> Ledger:
        """What is seen in the end."""
        counters = tuple(Counters(**counter) for counter in self.counters)
        return Ledger(counters, tuple(self.lines), escaped, hashes_equal=True, reprs_equal=True)


class Timekeeper:
    """The subject, which keeps its times by a class of times, and can do nothing else."""

    def __init__(self, times: type[Times] = Times) -> None:
        self.name = "timekeeper"
        self.version = "1"
        self.capabilities = Capabilities(ledger=True)
        self._times = times

    def keep_ledger(self, timeline: Timeline) -> Ledger:
        """The timeline through the times."""
        times = self._times(timeline)
        return times.ledger(conduct(timeline, times.perform, clock=times.clock))

    def start_program(self, family: str, start: Start, workspace: Path) -> CompiledProgram:
        """It compiles nothing."""
        raise AdapterBroken("a timekeeper only keeps time")

    def start(self, family: Family, setup: Setup) -> Session:
        """It encodes nothing."""
        raise AdapterBroken("a timekeeper only keeps time")

    def missing_method(self, family: Family, method: str) -> None:
        """It has no models."""

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """It has no graphs."""
        return ()

    def methods(self) -> tuple[str, ...]:
        """It has no models."""
        return ()
