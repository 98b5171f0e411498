"""Faults of an engine that fails: swallowed, put down to others, half written, or with workers that stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from reference.engine.core import EngineCore, Started, init_line
from reference.engine.errors import Failure, StartFailed
from reference.engine.executor import InProcessExecutor
from reference.engine.place import COMPILE, Place
from reference.engine.times import NOTHING, CompilationTimes, RankTimes, gathered_times
from suite.faults import injection
from suite.faults.fault import Fault


class _Swallows(InProcessExecutor):
    """Goes on without the seconds of a worker that raises."""

    def _do(self, place: Place, method: str) -> object:
        try:
            return super()._do(place, method)
        except ValueError:
            return NOTHING


class _BlamesFirst(InProcessExecutor):
    """Puts every failure down to rank 0."""

    def _failure(self, rank: int, error: Exception) -> Failure:
        return replace(super()._failure(rank, error), rank=0)


class _ForgetsStage(InProcessExecutor):
    """Names the stage that all ranks were asked for, not the one that the worker had come to."""

    def in_stage(self, stage: str, method: str) -> list[object]:
        try:
            return super().in_stage(stage, method)
        except StartFailed as failure:
            raise StartFailed([replace(each, stage=stage) for each in failure.failures]) from failure


class _LosesTraceback(InProcessExecutor):
    """Says what was raised, and not where."""

    def _failure(self, rank: int, error: Exception) -> Failure:
        return replace(super()._failure(rank, error), traceback="")


class _DropsRubbish(InProcessExecutor):
    """Takes the seconds of the ranks that report some."""

    def gather(self, said: Sequence[object]) -> RankTimes:
        pairs = [each for each in said if isinstance(each, CompilationTimes) and all(part >= 0 for part in each)]
        return RankTimes(tuple(each for each in pairs if max(each) < float("inf")))


class _TakesOneNumber(InProcessExecutor):
    """Takes one number for the seconds of the language model, as old workers reported it."""

    def gather(self, said: Sequence[object]) -> RankTimes:
        return super().gather([CompilationTimes(each, 0.0) if isinstance(each, float) else each for each in said])


class _CutsNegative(InProcessExecutor):
    """Takes seconds below zero for none."""

    def gather(self, said: Sequence[object]) -> RankTimes:
        pairs = [
            CompilationTimes(*(max(0.0, part) for part in each)) if isinstance(each, tuple) else each for each in said
        ]
        return super().gather(pairs)


class _WritesAsTheyCome(InProcessExecutor):
    """Writes each rank's seconds as soon as it has them."""

    def _do(self, place: Place, method: str) -> object:
        said = super()._do(place, method)
        if method != COMPILE and isinstance(said, CompilationTimes):
            self.write(gathered_times([said]))
        return said


class _LogsAnyway(EngineCore):
    """Logs the line also if the start fails."""

    def start(self) -> Started:
        began = self.clock()
        try:
            return super().start()
        except StartFailed:
            said = init_line(self.clock() - began, self.counters())
            self.log.info(said.text, *said.values)
            raise


class _LeavesWorkers(InProcessExecutor):
    """Leaves the workers as they are when a start fails."""

    def abort(self) -> None:
        return


class _LetsGoOfOne(InProcessExecutor):
    """Lets go of the last worker alone."""

    def shutdown(self) -> None:
        for rank in list(self._workers)[:-1]:
            del self._workers[rank]
        super().shutdown()


class _LetsGoTwice(InProcessExecutor):
    """Shuts its workers down where the start fails, and once more where it ends."""

    def shutdown(self) -> None:
        for worker in self._workers.values():
            worker.shutdown()
        super().shutdown()


class _ClockGoesOn(EngineCore):
    """Counts from the first start that was tried until one succeeds."""

    waiting: ClassVar[list[float]] = []

    def start(self) -> Started:
        self.waiting.append(self.clock())
        started = super().start()
        self.waiting.clear()
        return started

    def report(self, seconds: float, init_seconds: float, times: RankTimes) -> Started:
        return super().report(seconds, init_seconds + self.waiting[-1] - self.waiting[0], times)


class _KeepsReports(InProcessExecutor):
    """Keeps what ranks reported until a start succeeds."""

    kept: ClassVar[list[object]] = []

    def _do(self, place: Place, method: str) -> object:
        said = super()._do(place, method)
        if isinstance(said, CompilationTimes):
            self.kept.append(said)
        return said

    def write(self, times: RankTimes) -> None:
        super().write(gathered_times(self.kept))
        self.kept.clear()


_TOLD = "engine/failure-is-told"
_RUBBISH = "engine/rubbish-is-refused"
_TRACE = "engine/failure-leaves-no-trace"
_GO = "engine/workers-are-let-go"
_NEXT = "engine/next-start-is-right"

FAULTS = (
    Fault(
        id="engine_failures/swallows",
        breaks="a worker that raises is left out, and the engine starts without it",
        caught_by=(_TOLD,),
        parts=injection.engine(executor=_Swallows),
    ),
    Fault(
        id="engine_failures/blames-first",
        breaks="every failure is put down to rank 0",
        caught_by=(_TOLD,),
        parts=injection.engine(executor=_BlamesFirst),
    ),
    Fault(
        id="engine_failures/forgets-stage",
        breaks="a capture that fails is told as a compile that does",
        caught_by=(_TOLD,),
        parts=injection.engine(executor=_ForgetsStage),
    ),
    Fault(
        id="engine_failures/loses-traceback",
        breaks="the failure comes without the worker's traceback",
        caught_by=(_TOLD,),
        parts=injection.engine(executor=_LosesTraceback),
    ),
    Fault(
        id="engine_failures/drops-rubbish",
        breaks="ranks that report no seconds are left out of the maxima",
        caught_by=(_RUBBISH,),
        parts=injection.engine(executor=_DropsRubbish),
    ),
    Fault(
        id="engine_failures/takes-one-number",
        breaks="one number is taken for a pair of seconds",
        caught_by=(_RUBBISH,),
        parts=injection.engine(executor=_TakesOneNumber),
    ),
    Fault(
        id="engine_failures/cuts-negative",
        breaks="seconds below zero are taken for none",
        caught_by=(_RUBBISH,),
        parts=injection.engine(executor=_CutsNegative),
    ),
    Fault(
        id="engine_failures/writes-as-they-come",
        breaks="the driver's counters are written before all ranks have answered",
        caught_by=(_TRACE,),
        parts=injection.engine(executor=_WritesAsTheyCome),
    ),
    Fault(
        id="engine_failures/logs-anyway",
        breaks="the line on the start is logged although it failed",
        caught_by=(_TRACE,),
        parts=injection.engine(core=_LogsAnyway),
    ),
    Fault(
        id="engine_failures/leaves-workers",
        breaks="a start that fails leaves the workers that were built",
        caught_by=(_GO,),
        parts=injection.engine(executor=_LeavesWorkers),
    ),
    Fault(
        id="engine_failures/lets-go-of-one",
        breaks="one worker is shut down, and the others are forgotten",
        caught_by=(_GO,),
        parts=injection.engine(executor=_LetsGoOfOne),
    ),
    Fault(
        id="engine_failures/lets-go-twice",
        breaks="every worker is shut down twice",
        caught_by=(_GO,),
        parts=injection.engine(executor=_LetsGoTwice),
    ),
    Fault(
        id="engine_failures/clock-goes-on",
        breaks="after a start that failed, the next one's seconds are counted from there",
        caught_by=(_NEXT,),
        parts=injection.engine(core=_ClockGoesOn),
    ),
    Fault(
        id="engine_failures/keeps-reports",
        breaks="what ranks reported before a failure counts in the next start",
        caught_by=(_NEXT,),
        parts=injection.engine(executor=_KeepsReports),
    ),
)
