"""Faults of the startup benchmark's file of results, and of what it does when a start fails."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reference.startup_benchmark.benchmark import COLD, WARM, Results, StartupBenchmark
from reference.startup_benchmark.facts import Facts, FailedStart
from reference.startup_benchmark.metrics import PERCENTILES, MetricStats, all_stats
from suite.faults import injection
from suite.faults.fault import Fault


def _of_nothing(starts: Mapping[str, Sequence[Facts]]) -> list[MetricStats]:
    """A phase without a start has statistics too, none of which is a number."""
    nothing = dict.fromkeys(PERCENTILES, math.nan)
    empty = [phase for phase in (COLD, WARM) if not starts.get(phase)]
    return all_stats(starts) + [MetricStats(f"{phase}_startup", "Startup", (), math.nan, nothing) for phase in empty]


def _write_anything(path: Path, data: Mapping[str, object]) -> None:
    """NaN is written as Python writes it."""
    path.write_text(json.dumps(data))


def _write_in_place(path: Path, data: Mapping[str, object]) -> None:
    """Straight into the file that others read."""
    path.write_text(json.dumps(data, indent=2, allow_nan=False))


def _append(path: Path, data: Mapping[str, object]) -> None:
    """Each state of the results after the one before."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(data, allow_nan=False) + "\n")


class _AfterRun(StartupBenchmark):
    """Does something wrong once it is known how the run ended."""

    def run(self) -> Results:
        results = super().run()
        self.finish(results)
        return results

    def finish(self, results: Results) -> None:
        """What is done wrong."""
        raise NotImplementedError


class _ForgetsOnFailure(_AfterRun):
    """A failure leaves no measurement."""

    def finish(self, results: Results) -> None:
        if results.failures:
            results.starts = {COLD: [], WARM: []}


class _FailureIsSuccess(_AfterRun):
    """A run that a failure ended is complete."""

    def finish(self, results: Results) -> None:
        results.is_complete = True


class _CountsFromZero(_AfterRun):
    """The number of a failing start is its place."""

    def finish(self, results: Results) -> None:
        results.failures = [replace(each, iteration=each.iteration - 1) for each in results.failures]


class _FillingIsWarm(_AfterRun):
    """Whatever uses the filled cache is a warm start."""

    def finish(self, results: Results) -> None:
        results.failures = [
            FailedStart(each.phase if each.phase == COLD else WARM, each.iteration, each.reason, each.output)
            for each in results.failures
        ]


class _MeasuresFailures(StartupBenchmark):
    """A start that fails took no time."""

    def one(self, results: Results, phase: str, filled: Path) -> None:
        try:
            super().one(results, phase, filled)
        except Exception:
            if phase in results.starts:
                results.starts[phase].append(Facts(0.0, 0.0, 0.0, 0.0, 0, 0))
            raise


_WHOLE = "startup/file-is-whole-at-any-time"
_SPOILS = "startup/failed-write-spoils-nothing"
_KEEPS = "startup/failure-keeps-measurements"
_TOLD = "startup/failure-is-told"

FAULTS = (
    Fault(
        id="startup_failures/statistics-of-nothing",
        breaks="a phase without starts has averages that are no numbers",
        caught_by=(_WHOLE,),
        parts=injection.startup_command(aggregate=_of_nothing, write=_write_anything),
    ),
    Fault(
        id="startup_failures/results-appended",
        breaks="every state of the results is appended to the file",
        caught_by=(_WHOLE,),
        parts=injection.startup_command(write=_append),
    ),
    Fault(
        id="startup_failures/written-in-place",
        breaks="the file of results is written where others read it",
        caught_by=(_SPOILS,),
        parts=injection.startup_command(write=_write_in_place),
    ),
    Fault(
        id="startup_failures/measurements-forgotten",
        breaks="a failing start loses what was measured before it",
        caught_by=(_KEEPS,),
        parts=injection.startup_command(benchmark=_ForgetsOnFailure),
    ),
    Fault(
        id="startup_failures/failure-is-measured",
        breaks="a failing start is measured as one that took no time",
        caught_by=(_KEEPS,),
        parts=injection.startup_command(benchmark=_MeasuresFailures),
    ),
    Fault(
        id="startup_failures/failure-is-success",
        breaks="the exit status is 0 though a start failed",
        caught_by=(_TOLD,),
        parts=injection.startup_command(benchmark=_FailureIsSuccess),
    ),
    Fault(
        id="startup_failures/counted-from-zero",
        breaks="a failing start is told under the number before its own",
        caught_by=(_TOLD,),
        parts=injection.startup_command(benchmark=_CountsFromZero),
    ),
    Fault(
        id="startup_failures/filling-is-warm",
        breaks="the start that fills the cache is told as a warm one if it fails",
        caught_by=(_TOLD,),
        parts=injection.startup_command(benchmark=_FillingIsWarm),
    ),
)
