"""For every law of the ledger times that break it."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from selftests.properties.timekeeper import Times
from suite.contract.timeline import Compile, Ledger
from suite.subjects.virtual_time import Work


class _CutsMilliseconds(Times):
    """Keeps whole milliseconds."""

    def add(self, each: Compile, seconds: float) -> None:
        super().add(each, int(seconds * 1000) / 1000)


class _OneStack(Times):
    """Takes whatever is open for what is around it."""

    def open_compiles(self) -> list[float]:
        return self.nested.setdefault(0, [])


class _CountsWall(Times):
    """Counts nested seconds again."""

    def book(self, each: Compile, wall: float, nested: float) -> None:
        super().book(each, wall, 0.0)


class _OneCounter(Times):
    """Knows language models only."""

    def add(self, each: Compile, seconds: float) -> None:
        super().add(replace(each, component="language_model"), seconds)


class _CountsFailures(Times):
    """Adds what a failure took."""

    def fail(self, each: Compile, seconds: tuple[float, float]) -> None:
        if each.failed_load is None:
            self.add(each, seconds[0] - seconds[1])


class _TellsOfFailedLoads(Times):
    """Logs a line for a failed load, and counts nothing."""

    def try_to_load(self, each: Compile, work: Work) -> None:
        super().try_to_load(each, work)
        self.tell(each, 0.0)


class _RunsInside(Times):
    """Stops the clock after the first run."""

    def runs_inside(self, each: Compile) -> bool:
        return True


class _OneWorker(Times):
    """Has one pair of counters."""

    def add(self, each: Compile, seconds: float) -> None:
        for counter in self.counters:
            counter[each.component] += seconds


class _UncountedIsWork(Times):
    """Takes a compile that does not count for work of the one around it."""

    def leave(self, each: Compile, open_here: list[float], started: float) -> tuple[float, float]:
        left = super().leave(each, open_here, started)
        if open_here and not self.counts(each):
            open_here[-1] -= left[0]
        return left


class _CountsAlways(Times):
    """Has no modes."""

    def counts(self, each: Compile) -> bool:
        return True


class _Silent(Times):
    """Logs nothing."""

    def tell(self, each: Compile, seconds: float) -> None:
        return


class _TellsNothingTrue(Times):
    """Logs a second more."""

    def tell(self, each: Compile, seconds: float) -> None:
        super().tell(each, seconds + 1)


class _ChangesItsHash(Times):
    """Hashes what it counted."""

    def ledger(self, escaped: tuple[str, ...]) -> Ledger:
        counted = any(sum(counter.values()) for counter in self.counters)
        return replace(super().ledger(escaped), hashes_equal=not counted)


class _Swallows(Times):
    """Goes on as if nothing had happened."""

    def perform(self, each: Compile, work: Work) -> None:
        with contextlib.suppress(Exception):
            super().perform(each, work)


class _WholeSeconds(Times):
    """Counts in whole numbers, which are no floats."""

    def ledger(self, escaped: tuple[str, ...]) -> Ledger:
        ledger = super().ledger(escaped)
        return replace(ledger, counters=tuple(replace(each, encoder=int(each.encoder)) for each in ledger.counters))


class _NotANumber(Times):
    """Divides by nothing."""

    def ledger(self, escaped: tuple[str, ...]) -> Ledger:
        ledger = super().ledger(escaped)
        return replace(ledger, counters=tuple(replace(each, encoder=float("nan")) for each in ledger.counters))


class _ForgetsAWorker(Times):
    """Answers for all workers but the last."""

    def ledger(self, escaped: tuple[str, ...]) -> Ledger:
        ledger = super().ledger(escaped)
        return replace(ledger, counters=ledger.counters[:-1])


MISSHAPEN: dict[str, type[Times]] = {
    "a counter of seconds is 0, not a finite float": _WholeSeconds,
    "a counter of seconds is nan, not a finite float": _NotANumber,
    "keep_ledger returned 0 counters for 1 workers": _ForgetsAWorker,
}
"""By what is said of them, times whose answer has the wrong form."""
BROKEN_TIMEKEEPERS: dict[str, type[Times]] = {
    "ledger/every-second-once": _CutsMilliseconds,
    "ledger/threads-are-apart": _OneStack,
    "ledger/nested-seconds-once": _CountsWall,
    "ledger/flag-is-kept": _OneCounter,
    "ledger/failure-counts-nothing": _CountsFailures,
    "ledger/failed-load-counts-nothing": _TellsOfFailedLoads,
    "ledger/first-run-is-not-compiling": _RunsInside,
    "ledger/workers-are-apart": _OneWorker,
    "ledger/other-modes-do-not-matter": _UncountedIsWork,
    "ledger/only-full-counts": _CountsAlways,
    "ledger/one-line-per-compile": _Silent,
    "ledger/lines-agree-with-counters": _TellsNothingTrue,
    "ledger/configuration-stays-itself": _ChangesItsHash,
    "ledger/failures-pass-unchanged": _Swallows,
}
"""By law, the times that it must catch."""
