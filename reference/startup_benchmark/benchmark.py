"""The benchmark itself: cold starts, one start that fills a cache, warm starts (SPEC T8)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from reference.startup_benchmark.facts import Facts, FailedStart, Wish
from reference.startup_benchmark.fresh import StartTrouble

COLD, FILL, WARM = "cold", "fill", "warm"


class MakesStarts(Protocol):
    """Runs one start; `FreshProcess` is one."""

    def start(self, wish: Wish, cache: Path) -> Facts:
        """What the start said of itself; raises `StartTrouble` if it failed."""
        ...


@dataclass
class Results:
    """What was measured so far. It grows with every start."""

    starts: dict[str, list[Facts]] = field(default_factory=lambda: {COLD: [], WARM: []})
    failures: list[FailedStart] = field(default_factory=list)
    is_complete: bool = False
    """Whether all iterations succeeded."""


@dataclass(frozen=True, kw_only=True)
class StartupBenchmark:
    """One run of the benchmark."""

    wish: Wish
    cold: int
    warm: int
    folder: Path
    """Where caches are made; empty before and after."""
    starts: MakesStarts
    told: Callable[[Results, str], None] = lambda *_: None
    """Called before each start with what comes now, and in the end."""

    def steps(self) -> Iterator[tuple[str, int]]:
        """Phase and iteration of every start, in order."""
        yield from ((COLD, each + 1) for each in range(self.cold))
        yield FILL, 1
        yield from ((WARM, each + 1) for each in range(self.warm))

    def run(self) -> Results:
        """All starts, up to the first that fails. An interrupt leaves what was measured with whoever is told."""
        results = Results()
        with self.filled_cache() as filled:
            for phase, iteration in self.steps():
                self.told(results, f"{phase} {iteration}")
                try:
                    self.one(results, phase, filled)
                except StartTrouble as trouble:
                    results.failures.append(FailedStart(phase, iteration, str(trouble), trouble.output))
                    break
        results.is_complete = not results.failures
        self.told(results, "done")
        return results

    def one(self, results: Results, phase: str, filled: Path) -> None:
        """One start, measured unless it only fills the cache.

        Raises:
            StartTrouble: it failed.
        """
        if phase == COLD:
            with self.cache(f"{COLD}-{len(results.starts[COLD]) + 1}") as empty:
                results.starts[COLD].append(self.starts.start(self.wish, empty))
            return
        facts = self.starts.start(self.wish, filled)
        if phase == WARM:
            results.starts[WARM].append(facts)

    @contextmanager
    def cache(self, name: str) -> Iterator[Path]:
        """An empty folder, gone afterwards."""
        made = self.folder / name
        made.mkdir()
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def filled_cache(self) -> AbstractContextManager[Path]:
        """The folder that all warm starts share."""
        return self.cache(FILL)
