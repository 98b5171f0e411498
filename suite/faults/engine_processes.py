"""Faults of workers in processes: seconds of one rank, deaths that nobody hears, processes that stay."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace

from reference.engine.child import SHUTDOWN
from reference.engine.errors import Failure, StartFailed
from reference.engine.place import COMPILE
from reference.engine.process import Event, WorkerProcess
from reference.engine.processes import Limits, MultiProcessExecutor
from reference.engine.times import NOTHING, RankTimes
from suite.faults import injection
from suite.faults.fault import Fault


class _DriverIsRankZero(MultiProcessExecutor):
    """Listens to rank 0 alone, as if the others were copies of it."""

    def gather(self, said: Sequence[object]) -> RankTimes:
        return super().gather(said[:1])


class _DriversOwn(MultiProcessExecutor):
    """Takes what the driver's configuration says, which no other process can write."""

    def write(self, times: RankTimes) -> None:
        return


class _AsTheyCome(MultiProcessExecutor):
    """Lets the last rank that answers overwrite the others."""

    def write(self, times: RankTimes) -> None:
        super().write(RankTimes(times.by_rank[-1:]))


class _TellsOtherwise(MultiProcessExecutor):
    """Tells failures of a stage otherwise."""

    def in_stage(self, stage: str, method: str) -> list[object]:
        try:
            return super().in_stage(stage, method)
        except StartFailed as failure:
            raise StartFailed([self.told(each) for each in failure.failures]) from failure

    def told(self, failure: Failure) -> Failure:
        """One failure."""
        return failure


class _LosesTraceback(_TellsOtherwise):
    """Passes the worker's exception on without its traceback."""

    def told(self, failure: Failure) -> Failure:
        return replace(failure, traceback="")


class _BlamesNext(_TellsOtherwise):
    """Counts ranks from one."""

    def told(self, failure: Failure) -> Failure:
        return replace(failure, rank=failure.rank + 1)


class _KnowsOneStage(_TellsOtherwise):
    """Says for every rank that it was warming up."""

    def told(self, failure: Failure) -> Failure:
        return replace(failure, stage=COMPILE)


class _Hears(queue.SimpleQueue[Event]):
    """The events of workers, told otherwise."""

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        return self.heard(super().get(block, timeout), timeout)

    def heard(self, event: Event, timeout: float | None) -> Event:
        """What becomes of one event."""
        return event


class _Deaf(_Hears):
    """Does not hear that a process is gone."""

    def heard(self, event: Event, timeout: float | None) -> Event:
        return self.get(timeout=timeout) if event.kind == "gone" else event


class _TakesDeathForAnAnswer(_Hears):
    """Takes the end of a process for an answer without seconds."""

    def heard(self, event: Event, timeout: float | None) -> Event:
        return Event(event.rank, "done", NOTHING) if event.kind == "gone" else event


def _listening(events: type[_Hears]) -> type[MultiProcessExecutor]:
    """An executor that hears events otherwise once its processes are there."""

    class Listening(MultiProcessExecutor):
        """Its workers talk into another queue."""

        def in_stage(self, stage: str, method: str) -> list[object]:
            if not isinstance(self._events, events):
                self._events = events()
                for worker in self._workers:
                    worker._events = self._events
            return super().in_stage(stage, method)

    return Listening


class _EndsOtherwise(MultiProcessExecutor):
    """Ends its workers otherwise."""

    def abort(self) -> None:
        workers, self._workers = self._workers, []
        for worker in workers:
            self.end(worker)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def end(self, worker: WorkerProcess) -> None:
        """Ends one worker."""
        if worker.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(worker.pid)

    def signal(self, pid: int) -> None:
        """Ends the process of one worker."""


class _LeavesAll(_EndsOtherwise):
    """Leaves its processes where the start fails."""


class _OnlyAsks(_EndsOtherwise):
    """Asks its workers to end, and does not look whether they do."""

    def end(self, worker: WorkerProcess) -> None:
        worker.ask(SHUTDOWN)


class _LeavesChildren(_EndsOtherwise):
    """Ends its workers, and not what they started."""

    def signal(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)


class _EndsPolitely(_EndsOtherwise):
    """Ends its workers by a signal that a stopped process does not see."""

    def signal(self, pid: int) -> None:
        os.killpg(pid, signal.SIGTERM)


class _EndsFirst(MultiProcessExecutor):
    """Ends the first worker, and forgets the others."""

    def abort(self) -> None:
        self._workers = self._workers[:1]
        super().abort()


_COUNTS = "engine_processes/counts-and-tells-alike"
_TOLD = "engine_processes/lost-worker-is-told"
_TIME = "engine_processes/failure-comes-in-time"
_STAYS = "engine_processes/no-process-stays"

FAULTS = (
    Fault(
        id="engine_processes/driver-is-rank-zero",
        breaks="the seconds of all processes but the first are lost",
        caught_by=(_COUNTS,),
        parts=injection.engine(processes=_DriverIsRankZero),
        source="BUG-T01",
    ),
    Fault(
        id="engine_processes/drivers-own",
        breaks="the driver reads its own configuration, which no other process can write",
        caught_by=(_COUNTS,),
        parts=injection.engine(processes=_DriversOwn),
        source="BUG-T01",
    ),
    Fault(
        id="engine_processes/last-rank",
        breaks="the seconds of the last rank overwrite those of the others",
        caught_by=(_COUNTS,),
        parts=injection.engine(processes=_AsTheyCome),
    ),
    Fault(
        id="engine_processes/loses-traceback",
        breaks="what a worker raised comes to the driver without its traceback",
        caught_by=(_TOLD,),
        parts=injection.engine(processes=_LosesTraceback),
    ),
    Fault(
        id="engine_processes/blames-next",
        breaks="failures are put down to the next rank",
        caught_by=(_TOLD,),
        parts=injection.engine(processes=_BlamesNext),
    ),
    Fault(
        id="engine_processes/knows-one-stage",
        breaks="every failure is said to be one of the warm-up",
        caught_by=(_TOLD,),
        parts=injection.engine(processes=_KnowsOneStage),
    ),
    Fault(
        id="engine_processes/death-is-an-answer",
        breaks="a process that ended counts as a rank that compiled nothing",
        caught_by=(_TOLD,),
        parts=injection.engine(processes=_listening(_TakesDeathForAnAnswer)),
    ),
    Fault(
        id="engine_processes/deaf",
        breaks="a process that ended is waited for until the limit",
        caught_by=(_TIME,),
        parts=injection.engine(processes=_listening(_Deaf)),
    ),
    Fault(
        id="engine_processes/longer-limit",
        breaks="a worker that hangs is waited for much longer than the user allows",
        caught_by=(_TIME,),
        parts=injection.engine(limits=lambda seconds: Limits(start=2.5 * seconds, end=3.0)),
    ),
    Fault(
        id="engine_processes/leaves-all",
        breaks="a start that fails leaves the processes of the other ranks",
        caught_by=(_STAYS,),
        parts=injection.engine(processes=_LeavesAll),
    ),
    Fault(
        id="engine_processes/only-asks",
        breaks="a worker that hangs is only asked to end",
        caught_by=(_STAYS,),
        parts=injection.engine(processes=_OnlyAsks),
    ),
    Fault(
        id="engine_processes/leaves-children",
        breaks="what a worker started lives on without it",
        caught_by=(_STAYS,),
        parts=injection.engine(processes=_LeavesChildren),
    ),
    Fault(
        id="engine_processes/ends-politely",
        breaks="a process that is stopped gets a signal that it never sees",
        caught_by=(_STAYS,),
        parts=injection.engine(processes=_EndsPolitely),
    ),
    Fault(
        id="engine_processes/ends-first",
        breaks="the first process is ended, and the others are forgotten",
        caught_by=(_STAYS,),
        parts=injection.engine(processes=_EndsFirst),
    ),
)
