"""The workers of a case in this process: the reference's own, over a model that does what the script says.

Time is virtual, and the adapter notes what each worker is asked, when, and what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from models.families import family
from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.compilation.monitor import MESSAGE, monitor_torch_compile
from reference.engine.place import Place, Worker, WorkerFactory
from reference.engine.worker import EngineWorker
from suite.contract.engine import PLANTED_TEXT, RankSeen
from suite.contract.engine_case import EngineStage, RankScript
from suite.contract.program import Component
from suite.subjects.scripted_worker import REPORTS, planted_trouble
from suite.subjects.virtual_time import VirtualClock

_COMPONENTS: tuple[Component, ...] = ("language_model", "encoder")


class ScriptedModel:
    """Language model, encoder and graphs of one worker: they compile what the script says, and take its time."""

    def __init__(self, script: RankScript, *, config: CompilationConfig, clock: VirtualClock) -> None:
        self.model = self
        self.manager = None
        self._script = script
        self._config = config
        self._clock = clock

    def build(self) -> None:
        """What happens before there is a worker."""
        self._clock.microseconds += self._script.build
        self._trouble("build")

    def warm_up(self) -> None:
        """The language model."""
        self._compile("compile", "language_model")

    def encoder_eager_forward(self, items: Sequence[object]) -> None:
        """The encoder, and the rest of the warm-up."""
        self._clock.microseconds += self._script.other
        self._compile("compile", "encoder")
        self._trouble("compile")

    def capture_model(self) -> None:
        """The graphs; a capture may compile too."""
        for component in _COMPONENTS:
            self._compile("capture", component)
        self._trouble("capture")

    def _compile(self, stage: EngineStage, component: Component) -> None:
        for each in self._script.compiles:
            if (each.stage, each.component) == (stage, component):
                with monitor_torch_compile(self._config, MESSAGE, component == "encoder", clock=self._clock):
                    self._clock.microseconds += each.microseconds

    def _trouble(self, stage: EngineStage) -> None:
        trouble = self._script.trouble
        if trouble is not None and not trouble.is_rubbish and trouble.stage == stage:
            planted_trouble(PLANTED_TEXT)


@dataclass
class Notes:
    """What one rank's worker saw."""

    calls: list[str] = field(default_factory=list)
    asked: float | None = None
    answered: float | None = None
    reported: object = None

    def seen(self) -> RankSeen:
        """As the contract has it."""
        return RankSeen(calls=tuple(self.calls), asked=self.asked, answered=self.answered, reported=self.reported)


class WatchedWorker:
    """A worker with somebody at its door."""

    def __init__(self, worker: EngineWorker, script: RankScript, *, notes: Notes, clock: VirtualClock) -> None:
        self._worker = worker
        self._script = script
        self._notes = notes
        self._clock = clock

    def compile_or_warm_up_model(self) -> object:
        """As the worker's, or rubbish."""
        self._notes.asked = self._clock() if self._notes.asked is None else self._notes.asked
        self._notes.calls.append("compile_or_warm_up_model")
        said: object = self._worker.compile_or_warm_up_model()
        trouble = self._script.trouble
        if trouble is not None and trouble.is_rubbish:
            said = REPORTS[trouble.what]
        self._notes.reported = said
        self._notes.answered = self._clock()
        return said

    def shutdown(self) -> None:
        """As the worker's."""
        self._notes.calls.append("shutdown")
        self._worker.shutdown()


MakeWorker = Callable[..., EngineWorker]
OwnConfig = Callable[[CompilationConfig, str], CompilationConfig]
"""From the driver's configuration and a worker's mode to the worker's own."""


@dataclass(frozen=True)
class WorkersHere(WorkerFactory):
    """Makes the watched workers of one start in this process."""

    path: str = "suite.subjects.scripted_engine:WatchedWorker"
    build: Callable[[Place], object] = field(default=lambda _: None, compare=False)

    def make(self, place: Place) -> Worker:
        """The worker of one place."""
        made: Any = self.build(place)
        return made  # type: ignore[no-any-return]  # rubbish is among what it may return


def workers_here(
    scripts: Sequence[RankScript],
    notes: Sequence[Notes],
    *,
    make: MakeWorker,
    own_config: Callable[[str], CompilationConfig],
    clock: VirtualClock,
) -> WorkersHere:
    """Workers over scripted models, each with a configuration of its own."""

    def build(place: Place) -> WatchedWorker:
        script, noted = scripts[place.rank], notes[place.rank]
        noted.calls.append("build")
        config = own_config(script.mode)
        model: Any = ScriptedModel(script, config=config, clock=clock)
        model.build()
        encoder: Any = SimpleNamespace(family=family("toy"))
        services = CompileServices(clock=clock)
        worker = make(
            place=place, encoder=encoder, runner=model, language=model, config=config, services=services, let_go=()
        )
        return WatchedWorker(worker, script, notes=noted, clock=clock)

    return WorkersHere(build=build)
