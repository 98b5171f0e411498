"""Faults of an engine's log: lines of another form, with other numbers, or about another rank than was counted."""

from __future__ import annotations

from dataclasses import replace

from reference.engine.core import SLOWEST, EngineCore, Form, Said, Started
from reference.engine.times import RankTimes
from suite.faults import injection
from suite.faults.fault import Fault


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


_FORM = "engine/one-line-in-its-form"
_SUMS = "engine/line-adds-up"
_WALL = "engine/line-tells-the-wall-time"
_SLOWEST = "engine/slowest-rank-is-told"

FAULTS = (
    Fault(
        id="engine_lines/split-if-both",
        breaks="the line is split only if both components compiled",
        caught_by=(_FORM,),
        parts=injection.engine(core=_SplitIfBoth),
    ),
    Fault(
        id="engine_lines/split-if-shown",
        breaks="the line's form follows the decimals that are printed, not the counters",
        caught_by=(_FORM,),
        parts=injection.engine(core=_SplitIfShown),
    ),
    Fault(
        id="engine_lines/logs-twice",
        breaks="the line on the start is logged twice",
        caught_by=(_FORM,),
        parts=injection.engine(core=_LogsTwice),
    ),
    Fault(
        id="engine_lines/swaps-line",
        breaks="the line prints the encoder's seconds as the language model's, and the other way round",
        caught_by=(_SUMS,),
        parts=injection.engine(core=_SwapsLine),
    ),
    Fault(
        id="engine_lines/total-of-slowest",
        breaks="the line's total is the slowest rank's, before parts of two ranks that sum to more",
        caught_by=(_SUMS,),
        parts=injection.engine(core=_TotalOfSlowest),
    ),
    Fault(
        id="engine_lines/whole-start",
        breaks="the line's first number counts building the models, too",
        caught_by=(_WALL,),
        parts=injection.engine(core=_WholeStart),
    ),
    Fault(
        id="engine_lines/compiling-for-all",
        breaks="the line's first number is the seconds of compiling",
        caught_by=(_WALL,),
        parts=injection.engine(core=_CompilingForAll),
        source="BUG-T07",
    ),
    Fault(
        id="engine_lines/no-slowest",
        breaks="nobody says that the two maxima are of two ranks",
        caught_by=(_SLOWEST,),
        parts=injection.engine(core=_NoSlowest),
    ),
    Fault(
        id="engine_lines/maxima-as-rank",
        breaks="the maxima of two ranks are told as the seconds of one",
        caught_by=(_SLOWEST,),
        parts=injection.engine(core=_MaximaAsRank),
    ),
)
