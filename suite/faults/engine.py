"""Faults of an engine's counters: seconds of ranks lost, summed or mixed up, or kept from an earlier start."""

from __future__ import annotations

from reference.engine.executor import InProcessExecutor
from reference.engine.times import CompilationTimes, RankTimes
from reference.engine.worker import EngineWorker
from suite.faults import injection
from suite.faults.fault import Fault


class _DriversOwn(InProcessExecutor):
    """Takes what the driver's configuration says, where nothing was ever compiled."""

    def write(self, times: RankTimes) -> None:
        return


class _SumsUp(InProcessExecutor):
    """Adds up what ranks compiled side by side."""

    def write(self, times: RankTimes) -> None:
        self.config.compilation_time = sum(each.language_model for each in times.by_rank)
        self.config.encoder_compilation_time = sum(each.encoder for each in times.by_rank)


class _MixedUp(InProcessExecutor):
    """Writes each maximum to the other counter."""

    def write(self, times: RankTimes) -> None:
        self.config.encoder_compilation_time, self.config.compilation_time = times.maxima


class _FirstRank(InProcessExecutor):
    """Takes the first rank for all."""

    def write(self, times: RankTimes) -> None:
        super().write(RankTimes(times.by_rank[:1]))


class _SlowestRank(InProcessExecutor):
    """Writes the pair of the slowest rank, whichever was slower in one component."""

    def write(self, times: RankTimes) -> None:
        super().write(RankTimes((times.slowest,)) if times.by_rank else times)


class _WholeIsMaximum(InProcessExecutor):
    """Takes the largest total, and shares it out by the first rank's parts."""

    def write(self, times: RankTimes) -> None:
        if not times.by_rank or not times.by_rank[0].total:
            return super().write(times)
        first, largest = times.by_rank[0], times.slowest.total
        parts = CompilationTimes(*(largest * part / first.total for part in first))
        return super().write(RankTimes((parts,)))


class _AddsToEarlier(InProcessExecutor):
    """Adds to what the driver's configuration says, as a worker does."""

    def write(self, times: RankTimes) -> None:
        self.config.compilation_time += times.maxima.language_model
        self.config.encoder_compilation_time += times.maxima.encoder


class _KeepsEarlier(InProcessExecutor):
    """Leaves a counter alone if no rank compiled anything of it."""

    def write(self, times: RankTimes) -> None:
        self.config.compilation_time = times.maxima.language_model or self.config.compilation_time
        self.config.encoder_compilation_time = times.maxima.encoder or self.config.encoder_compilation_time


class _ReadsTooEarly(EngineWorker):
    """Reads its seconds before it captures, where a prefix of sizes may still compile."""

    def compile_or_warm_up_model(self) -> CompilationTimes:
        self.warm_up()
        times = self.compilation_times()
        self.capture_model()
        return times


class _SwapsParts(EngineWorker):
    """Names the encoder's seconds those of the language model."""

    def compilation_times(self) -> CompilationTimes:
        return CompilationTimes(*reversed(super().compilation_times()))


class _OneCounter(EngineWorker):
    """Counts the encoder's seconds in the language model's, too, as if it were nested."""

    def compilation_times(self) -> CompilationTimes:
        times = super().compilation_times()
        return CompilationTimes(times.total, times.encoder)


_COUNTERS = "engine/counters-are-maxima"
_OWN = "engine/ranks-report-their-own"
_ZERO = "engine/no-compile-leaves-zero"

FAULTS = (
    Fault(
        id="engine/drivers-own",
        breaks="compile seconds are read from the driver's configuration alone, where nothing compiles",
        caught_by=(_COUNTERS,),
        parts=injection.engine(executor=_DriversOwn),
        source="BUG-T01",
    ),
    Fault(
        id="engine/sums-up",
        breaks="seconds of ranks that compile side by side are added up",
        caught_by=(_COUNTERS,),
        parts=injection.engine(executor=_SumsUp),
    ),
    Fault(
        id="engine/mixed-up",
        breaks="the driver's two counters are written in the wrong order",
        caught_by=(_COUNTERS,),
        parts=injection.engine(executor=_MixedUp),
        source="BUG-T03",
    ),
    Fault(
        id="engine/first-rank",
        breaks="only the first rank's seconds reach the driver",
        caught_by=(_COUNTERS,),
        parts=injection.engine(executor=_FirstRank),
    ),
    Fault(
        id="engine/slowest-rank",
        breaks="the counters are those of the slowest rank, not the largest of each component",
        caught_by=(_COUNTERS,),
        parts=injection.engine(executor=_SlowestRank),
    ),
    Fault(
        id="engine/whole-is-maximum",
        breaks="the largest total is shared out by the first rank's parts",
        caught_by=(_COUNTERS,),
        parts=injection.engine(executor=_WholeIsMaximum),
    ),
    Fault(
        id="engine/adds-to-earlier",
        breaks="the driver's counters go on from those of an earlier start",
        caught_by=(_ZERO, _COUNTERS),
        parts=injection.engine(executor=_AddsToEarlier),
    ),
    Fault(
        id="engine/keeps-earlier",
        breaks="a counter of which nothing was compiled keeps the seconds of an earlier start",
        caught_by=(_ZERO, _COUNTERS),
        parts=injection.engine(executor=_KeepsEarlier),
    ),
    Fault(
        id="engine/shared-configuration",
        breaks="all workers count in the driver's configuration",
        caught_by=(_OWN,),
        parts=injection.engine(own_config=lambda driver, mode: driver),
    ),
    Fault(
        id="engine/reads-too-early",
        breaks="a worker reads its seconds before it captures, and loses what a capture compiles",
        caught_by=(_OWN, _COUNTERS),
        parts=injection.engine(worker=_ReadsTooEarly),
    ),
    Fault(
        id="engine/swaps-parts",
        breaks="a worker reports its two components in the wrong order",
        caught_by=(_OWN, _COUNTERS),
        parts=injection.engine(worker=_SwapsParts),
        source="BUG-T03",
    ),
    Fault(
        id="engine/one-counter",
        breaks="a worker reports the encoder's seconds among those of the language model, too",
        caught_by=(_OWN,),
        parts=injection.engine(worker=_OneCounter),
        source="BUG-T03",
    ),
)
