"""The engine facet of the reference as a subject: starts over scripted workers, here or in processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from reference.compilation.config import CompilationConfig, CompilationMode
from reference.engine.core import EngineCore
from reference.engine.errors import WorkerFailed
from reference.engine.executor import Executor, InProcessExecutor
from reference.engine.place import WorkerFactory
from reference.engine.processes import Limits, MultiProcessExecutor
from reference.engine.worker import EngineWorker
from suite.contract.engine import PLANTED_TEXT, StartSeen, Told
from suite.contract.engine_case import EngineCase, EngineStart
from suite.contract.timeline import Counters
from suite.subjects.heard import Lines, heard
from suite.subjects.scripted_engine import MakeWorker, Notes, OwnConfig, workers_here
from suite.subjects.scripted_worker import FACTORY
from suite.subjects.virtual_time import VirtualClock

_LOGGER = "reference"


def _own_config(_driver: CompilationConfig, mode: str) -> CompilationConfig:
    """Each worker has its own: the driver's never sees what is compiled there."""
    return CompilationConfig(mode=CompilationMode(mode))


@dataclass(frozen=True)
class EngineParts:
    """What the reference's engine is put together from."""

    worker: MakeWorker = EngineWorker
    own_config: OwnConfig = _own_config
    executor: Callable[..., Executor] = InProcessExecutor
    processes: type[MultiProcessExecutor] = MultiProcessExecutor
    limits: Callable[[float], Limits] = lambda seconds: Limits(start=seconds, call=seconds, end=3.0)
    core: type[EngineCore] = EngineCore


SOUND = EngineParts()
"""The reference's own parts."""


class StartsEngines:
    """A subject's method about engines, over the reference's parts."""

    def __init__(self, parts: EngineParts) -> None:
        self._engine = parts

    def run_engine(self, case: EngineCase) -> Sequence[StartSeen]:
        """Every start of the case, over one configuration of the driver."""
        engines = _Engines(self._engine)
        return [engines.in_processes(start) if case.in_processes else engines.here(start) for start in case.starts]


class _Engines:
    """Engines of one driver: its configuration, and a clock that goes on from start to start."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._config = CompilationConfig()
        self._clock = VirtualClock()

    def here(self, start: EngineStart) -> StartSeen:
        """Workers in this process, under the virtual clock."""
        notes = [Notes() for _ in start.ranks]
        factory = workers_here(
            start.ranks,
            notes,
            make=self._parts.worker,
            own_config=lambda mode: self._parts.own_config(self._config, mode),
            clock=self._clock,
        )
        executor = self._parts.executor(factory, config=self._config, world_size=len(start.ranks))
        return self._started(self._parts.core(executor, clock=self._clock), notes)

    def in_processes(self, start: EngineStart) -> StartSeen:
        """Each worker in a process of its own, in real time."""
        arguments = {"ranks": [asdict(script) for script in start.ranks], "text": PLANTED_TEXT}
        executor = self._parts.processes(
            WorkerFactory(FACTORY, arguments),
            config=self._config,
            world_size=len(start.ranks),
            limits=self._parts.limits(float(start.limit)),
        )
        return self._started(self._parts.core(executor), [])

    def _started(self, core: EngineCore, notes: Sequence[Notes]) -> StartSeen:
        """One start, and what is seen of it before the shutdown and after it."""
        lines = Lines()
        failure: WorkerFailed | None = None
        with heard(lines, _LOGGER):
            began = time.monotonic()
            try:
                core.start()
            except WorkerFailed as error:
                failure = error
            seconds = time.monotonic() - began
            counters = Counters(self._config.compilation_time, self._config.encoder_compilation_time)
            if failure is None:
                core.shutdown()
        return StartSeen(
            counters=counters,
            lines=tuple(lines.messages),
            error=None if failure is None else str(failure),
            told=() if failure is None else tuple(Told(each.rank, each.stage) for each in failure.failures),
            seconds=seconds,
            ranks=tuple(each.seen() for each in notes),
        )
