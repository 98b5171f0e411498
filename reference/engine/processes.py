"""One process per rank, started afresh, with a time limit on everything that is waited for."""

from __future__ import annotations

import logging
import math
import multiprocessing
import queue
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.context import SpawnContext

from reference.compilation.config import CompilationConfig
from reference.engine.child import SHUTDOWN
from reference.engine.errors import Cause, EngineConfigError, Failure, StartFailed, WorkerFailed
from reference.engine.executor import Executor
from reference.engine.place import SPAWN, Place, WorkerFactory
from reference.engine.process import Event, WorkerProcess

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Seconds from any fixed moment."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long is waited, in seconds.

    Raises:
        EngineConfigError: a limit is not above zero.
    """

    start: float = 600.0
    """For the whole start: processes, models, compiling, graphs."""
    call: float = 300.0
    """For one call on all ranks."""
    end: float = 5.0
    """For workers to shut down by themselves, and again for what is ended to be gone."""
    settle: float = 0.5
    """After the first failure, for others that may explain it: a rank that dies lets its peers raise."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value) or value <= 0:
                raise EngineConfigError(f"limit {name}={value!r} is no time to wait: give finite seconds above 0.")


@dataclass
class _Answers:
    """What has come in of one request to all ranks."""

    stages: dict[int, str]
    """Where each rank is, by its own word."""
    values: dict[int, object] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def missing(self) -> list[int]:
        """Ranks that have neither answered nor failed."""
        failed = {each.rank for each in self.failures}
        return [rank for rank in self.stages if rank not in self.values and rank not in failed]

    def take(self, event: Event) -> None:
        """One event, put down to the stage that its rank is in."""
        rank, stage = event.rank, self.stages[event.rank]
        if event.kind == "stage":
            self.stages[rank] = str(event.value)
        elif event.kind == "done":
            self.values[rank] = event.value
        else:
            cause = Cause.RAISED if event.kind == "failed" else Cause.DIED
            self.values.pop(rank, None)
            self.failures.append(Failure(rank, stage, cause, str(event.value), event.text))

    def give_up(self, seconds: float) -> None:
        """Whoever is missing has not come back."""
        summary = f"did not come back within {seconds:g} s"
        self.failures += [Failure(rank, self.stages[rank], Cause.HUNG, summary) for rank in self.missing]

    def explained(self) -> list[Failure]:
        """The failures, the best explanation first."""
        order = list(Cause)
        return sorted(self.failures, key=lambda each: order.index(each.cause))


class MultiProcessExecutor(Executor):
    """Workers in fresh processes (`spawn`) that end with this one, and that nobody waits for beyond the limits."""

    def __init__(
        self,
        factory: WorkerFactory,
        *,
        config: CompilationConfig,
        world_size: int = 1,
        limits: Limits | None = None,
        clock: Clock = time.monotonic,
        context: SpawnContext | None = None,
    ) -> None:
        super().__init__(factory, config=config, world_size=world_size)
        self.limits = limits or Limits()
        self.clock = clock
        self.context = context or multiprocessing.get_context("spawn")
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._workers: list[WorkerProcess] = []
        self._folder: str | None = None
        self._left = self.limits.start
        """Seconds of the start that are not used up."""

    @property
    def pids(self) -> list[int]:
        """Of the processes that were started, in the order of ranks."""
        return [each.pid for each in self._workers if each.pid is not None]

    def launch(self) -> None:
        """Starts all processes, and waits until each has said that it is there.

        Raises:
            EngineConfigError: they were started before; StartFailed: one does not come up.
        """
        if self._workers:
            raise EngineConfigError("the executor has started already: call shutdown() first, or make another one.")
        self._left = self.limits.start
        self._events = queue.SimpleQueue()
        for place in self.places():
            self._workers.append(WorkerProcess(place, self.factory, context=self.context, events=self._events))
        for each in self._workers:
            each.start()
        self._stage_answers(SPAWN)

    def places(self) -> list[Place]:
        """A place for each rank; several meet in a file of their own."""
        rendezvous = None
        if self.world_size > 1:
            self._folder = tempfile.mkdtemp(prefix="lockstep-ranks-")
            rendezvous = f"file://{self._folder}/meeting"
        return [Place(rank, self.world_size, rendezvous) for rank in range(self.world_size)]

    def in_stage(self, stage: str, method: str) -> list[object]:
        """Asks all ranks at once."""
        for each in self._workers:
            each.ask(method)
        return self._stage_answers(stage)

    def _stage_answers(self, stage: str) -> list[object]:
        began = self.clock()
        answers = self._wait(stage, seconds=self._left, stop_early=True, whole=self.limits.start)
        self._left = max(0.0, self._left - (self.clock() - began))
        if answers.failures:
            raise StartFailed(answers.explained())
        return _in_order(answers.values)

    def call(self, method: str, *arguments: object) -> list[object]:
        """Asks all ranks at once. After a death, a hang or an interrupt no worker is left."""
        self._require_started(method)
        try:
            for each in self._workers:
                each.ask(method, *arguments)
            answers = self._wait(method, seconds=self.limits.call, stop_early=False, whole=self.limits.call)
        except BaseException:
            self.abort()
            raise
        if any(each.cause is not Cause.RAISED for each in answers.failures):
            self.abort()
        if answers.failures:
            raise WorkerFailed(answers.explained())
        return _in_order(answers.values)

    def _require_started(self, method: str) -> None:
        if self.world_size and not self._workers:
            raise EngineConfigError(f"{method} cannot be asked of workers that are not there: call start() first.")

    def _wait(self, stage: str, *, seconds: float, stop_early: bool, whole: float) -> _Answers:
        """Gathers events until all ranks have answered or the time is over; a failure may shorten the time."""
        answers = _Answers({each.place.rank: stage for each in self._workers})
        deadline = self.clock() + seconds
        is_settling = False
        while answers.missing:
            try:
                answers.take(self._events.get(timeout=max(0.0, deadline - self.clock())))
            except queue.Empty:
                break
            if not is_settling and self._cannot_succeed(answers, stop_early=stop_early):
                is_settling = True
                deadline = min(deadline, self.clock() + self.limits.settle)
        if not is_settling:
            answers.give_up(whole)
        return answers

    def _cannot_succeed(self, answers: _Answers, *, stop_early: bool) -> bool:
        """Whether waiting for the others has no use but to explain a failure."""
        return any(stop_early or each.cause is Cause.DIED for each in answers.failures)

    def shutdown(self) -> None:
        """Asks workers that have nothing to do to end, then ends whoever is left."""
        try:
            self._ask_to_end(self._workers)
        finally:
            self.abort()

    def abort(self) -> None:
        """Ends all processes and all that they started, now."""
        workers, self._workers = self._workers, []
        folder, self._folder = self._folder, None
        _end(workers, seconds=self.limits.end)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _ask_to_end(self, workers: Iterable[WorkerProcess]) -> None:
        idle = {each.place.rank: each for each in workers if each.is_idle}
        for each in idle.values():
            each.ask(SHUTDOWN)
        deadline = self.clock() + self.limits.end
        while any(each.is_busy for each in idle.values()):
            try:
                self._events.get(timeout=max(0.0, deadline - self.clock()))
            except queue.Empty:
                return


def _end(workers: Iterable[WorkerProcess], *, seconds: float) -> None:
    left = [each.pid for each in workers if not each.end(seconds=seconds)]
    if left:
        logger.error("processes %s could not be ended", ", ".join(map(str, left)))


def _in_order(values: dict[int, object]) -> list[object]:
    return [values[rank] for rank in sorted(values)]
