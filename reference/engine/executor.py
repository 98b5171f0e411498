"""Runs the workers of all ranks, and gathers what they report (SPEC T6)."""

from __future__ import annotations

import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from reference.compilation.config import CompilationConfig
from reference.engine.errors import Cause, EngineConfigError, Failure, StartFailed, WorkerFailed, summary_of
from reference.engine.place import BUILD, COMPILE, Place, Worker, WorkerFactory
from reference.engine.times import BadTimes, RankTimes, gathered_times

logger = logging.getLogger(__name__)


class Executor(ABC):
    """The workers of one engine. `start`, then `compile_or_warm_up_model`, then calls; in the end `shutdown`.

    A start that fails leaves no worker behind, whatever the reason, an interrupt by the user included.

    Raises:
        EngineConfigError: the number of ranks is no whole number from 0 up.
    """

    def __init__(self, factory: WorkerFactory, *, config: CompilationConfig, world_size: int = 1) -> None:
        if isinstance(world_size, bool) or not isinstance(world_size, int) or world_size < 0:
            raise EngineConfigError(f"world_size={world_size!r} is no number of ranks: give a whole number from 0 up.")
        self.factory = factory
        self.config = config
        """The driver's own; its counters are written and never read here (BUG-T01)."""
        self.world_size = world_size
        self.times = RankTimes()
        """What the ranks reported; empty before they were asked."""

    def start(self) -> None:
        """Brings the workers up and builds their models.

        Raises:
            StartFailed: a rank died, raised or did not come back; no worker is left.
        """
        try:
            self.launch()
            self.in_stage(BUILD, BUILD)
        except BaseException:
            self.abort()
            raise

    def compile_or_warm_up_model(self) -> RankTimes:
        """Lets all ranks compile side by side, and writes what they report to the driver's configuration.

        Raises:
            StartFailed: a rank died, raised, did not come back, or reported no seconds; no worker is left.
        """
        try:
            said = self.in_stage(COMPILE, "compile_or_warm_up_model")
            self.times = self.gather(said)
        except BaseException:
            self.abort()
            raise
        self.write(self.times)
        return self.times

    def gather(self, said: Sequence[object]) -> RankTimes:
        """What the ranks reported, checked.

        Raises:
            StartFailed: some rank reported no pair of seconds.
        """
        try:
            return gathered_times(said)
        except BadTimes as error:
            raise StartFailed([Failure(error.rank, COMPILE, Cause.RAISED, "reported no times", str(error))]) from error

    def write(self, times: RankTimes) -> None:
        """The maxima of both counters to the driver's configuration; without any rank it stays as it is (SPEC T6)."""
        if times.by_rank:
            self.config.compilation_time, self.config.encoder_compilation_time = times.maxima

    @abstractmethod
    def launch(self) -> None:
        """Makes a place for each rank, with nothing in it yet."""

    @abstractmethod
    def in_stage(self, stage: str, method: str) -> list[object]:
        """What all ranks answer in one stage of the start, in the order of ranks.

        Raises:
            StartFailed: some rank failed.
        """

    @abstractmethod
    def call(self, method: str, *arguments: object) -> list[object]:
        """What a method of the worker returns on all ranks, in the order of ranks.

        Raises:
            WorkerFailed: it raised somewhere; the engine lives on unless a rank died or did not come back.
        """

    @abstractmethod
    def shutdown(self) -> None:
        """Ends all workers; a second time nothing happens."""

    def abort(self) -> None:
        """Ends all workers without asking them, where that makes a difference."""
        self.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()


class InProcessExecutor(Executor):
    """Workers as plain objects, one after the other. No time limit can be kept here: nobody is left to keep it."""

    def __init__(self, factory: WorkerFactory, *, config: CompilationConfig, world_size: int = 1) -> None:
        super().__init__(factory, config=config, world_size=world_size)
        self._places: list[Place] = []
        self._workers: dict[int, Worker] = {}
        self._stages: dict[int, str] = {}

    def launch(self) -> None:
        """Places only."""
        self._places = [self._place(rank) for rank in range(self.world_size)]

    def _place(self, rank: int) -> Place:
        def enter(stage: str) -> None:
            self._stages[rank] = stage

        return Place(rank, self.world_size, enter=enter)

    def in_stage(self, stage: str, method: str) -> list[object]:
        """Stops at the first rank that raises."""
        answers: list[object] = []
        for place in self._places:
            self._stages[place.rank] = stage
            try:
                answers.append(self._do(place, method))
            except Exception as error:
                raise StartFailed([self._failure(place.rank, error)]) from error
        return answers

    def _do(self, place: Place, method: str) -> object:
        if method == BUILD:
            self._workers[place.rank] = self.factory.make(place)
            return None
        return getattr(self._workers[place.rank], method)()

    def _failure(self, rank: int, error: Exception) -> Failure:
        told = "".join(traceback.format_exception(error))
        return Failure(rank, self._stages[rank], Cause.RAISED, summary_of(error), told)

    def call(self, method: str, *arguments: object) -> list[object]:
        """All ranks are called, whichever of them raise."""
        answers: list[object] = []
        failures: list[Failure] = []
        for rank, worker in self._workers.items():
            self._stages[rank] = method
            try:
                answers.append(getattr(worker, method)(*arguments))
            except Exception as error:
                failures.append(self._failure(rank, error))
        if failures:
            raise WorkerFailed(failures)
        return answers

    def shutdown(self) -> None:
        """Lets every worker go, whichever of them raise."""
        while self._workers:
            _, worker = self._workers.popitem()
            try:
                worker.shutdown()
            except Exception as error:
                logger.warning("a worker raised while it was shut down: %r", error)
        self._places.clear()
