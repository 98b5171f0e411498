"""Faults of an engine's driver: seconds of ranks lost, summed or mixed up, lines that do not say what was counted."""

from __future__ import annotations

from dataclasses import replace

from reference.engine.core import SLOWEST, EngineCore, Form, Said, Started
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


class _OtherLine(EngineCore):
    """Says the first line otherwise."""

    def report(self, seconds: float, init_seconds: float, times: RankTimes) -> Started:
        sound = super().report(seconds, init_seconds, times)
        return replace(sound, said=(self.first(sound), *sound.said[1:]))

    def first(self, sound: Started) -> Said:
        """The first line."""
        return sound.said[0]


class _SplitIfBoth(_OtherLine):
    """Splits the line only if both components compiled."""

    def first(self, sound: Started) -> Said:
        said, counters = sound.said[0], self.counters()
        if all(counters) or not counters.encoder:
            return said
        return Said(Form.TOTAL.value, said.values[:2])


class _SplitIfShown(_OtherLine):
    """Decides on the form by the two decimals that are printed."""

    def first(self, sound: Started) -> Said:
        said, (language_model, encoder) = sound.said[0], self.counters()
        if round(encoder, 2):
            return said
        return (
            Said(Form.TOTAL.value, said.values[:2])
            if round(language_model, 2)
            else Said(Form.PLAIN.value, said.values[:1])
        )


class _SwapsLine(_OtherLine):
    """Prints the two parts in the other's place."""

    def first(self, sound: Started) -> Said:
        said = sound.said[0]
        return Said(said.text, (*said.values[:2], *reversed(said.values[2:])))


class _TotalOfSlowest(_OtherLine):
    """Prints the slowest rank's total before parts that are of two ranks."""

    def first(self, sound: Started) -> Said:
        said = sound.said[0]
        return Said(said.text, (said.values[0], sound.times.slowest.total, *said.values[2:])[: len(said.values)])


class _WholeStart(_OtherLine):
    """Prints the seconds of the whole start, models built included."""

    def first(self, sound: Started) -> Said:
        said = sound.said[0]
        return Said(said.text, (sound.seconds, *said.values[1:]))


class _CompilingForAll(_OtherLine):
    """Prints the seconds of compiling for those of the whole."""

    def first(self, sound: Started) -> Said:
        said = sound.said[0]
        return Said(said.text, (sum(self.counters()), *said.values[1:]))


class _LogsTwice(EngineCore):
    """Logs the line where the engine starts, and where it is ready."""

    def report(self, seconds: float, init_seconds: float, times: RankTimes) -> Started:
        sound = super().report(seconds, init_seconds, times)
        return replace(sound, said=(sound.said[0], *sound.said))


class _NoSlowest(EngineCore):
    """Leaves the sum of two ranks' maxima without a word."""

    def report(self, seconds: float, init_seconds: float, times: RankTimes) -> Started:
        sound = super().report(seconds, init_seconds, times)
        return replace(sound, said=sound.said[:1])


class _MaximaAsRank(EngineCore):
    """Tells the maxima as the seconds of one rank."""

    def report(self, seconds: float, init_seconds: float, times: RankTimes) -> Started:
        sound = super().report(seconds, init_seconds, times)
        told = [Said(SLOWEST, (each.values[0], times.maxima.total, *times.maxima)) for each in sound.said[1:]]
        return replace(sound, said=(sound.said[0], *told))


_COUNTERS = "engine/counters-are-maxima"
_OWN = "engine/ranks-report-their-own"
_ZERO = "engine/no-compile-leaves-zero"
_FORM = "engine/one-line-in-its-form"
_SUMS = "engine/line-adds-up"
_WALL = "engine/line-tells-the-wall-time"
_SLOWEST = "engine/slowest-rank-is-told"

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
    Fault(
        id="engine/split-if-both",
        breaks="the line is split only if both components compiled",
        caught_by=(_FORM,),
        parts=injection.engine(core=_SplitIfBoth),
    ),
    Fault(
        id="engine/split-if-shown",
        breaks="the line's form follows the decimals that are printed, not the counters",
        caught_by=(_FORM,),
        parts=injection.engine(core=_SplitIfShown),
    ),
    Fault(
        id="engine/logs-twice",
        breaks="the line on the start is logged twice",
        caught_by=(_FORM,),
        parts=injection.engine(core=_LogsTwice),
    ),
    Fault(
        id="engine/swaps-line",
        breaks="the line prints the encoder's seconds as the language model's, and the other way round",
        caught_by=(_SUMS,),
        parts=injection.engine(core=_SwapsLine),
    ),
    Fault(
        id="engine/total-of-slowest",
        breaks="the line's total is the slowest rank's, before parts of two ranks that sum to more",
        caught_by=(_SUMS,),
        parts=injection.engine(core=_TotalOfSlowest),
    ),
    Fault(
        id="engine/whole-start",
        breaks="the line's first number counts building the models, too",
        caught_by=(_WALL,),
        parts=injection.engine(core=_WholeStart),
    ),
    Fault(
        id="engine/compiling-for-all",
        breaks="the line's first number is the seconds of compiling",
        caught_by=(_WALL,),
        parts=injection.engine(core=_CompilingForAll),
        source="BUG-T07",
    ),
    Fault(
        id="engine/no-slowest",
        breaks="nobody says that the two maxima are of two ranks",
        caught_by=(_SLOWEST,),
        parts=injection.engine(core=_NoSlowest),
    ),
    Fault(
        id="engine/maxima-as-rank",
        breaks="the maxima of two ranks are told as the seconds of one",
        caught_by=(_SLOWEST,),
        parts=injection.engine(core=_MaximaAsRank),
    ),
)
