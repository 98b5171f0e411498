"""Faults that only a second load in the process shows: what is shared, forgotten, or done twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import nn
from transformers import PreTrainedModel

from reference.compilation.aot import TorchTracer
from reference.compilation.compiled_forward import CompileServices, Program, Target
from reference.compilation.config import CompilationConfig
from reference.transformers_backend.decorating import PartDecorator
from reference.transformers_backend.loading import Loaded, Loader
from reference.transformers_backend.parts import Part
from reference.transformers_backend.parts import Parts as ModelParts
from suite.faults.fault import Fault
from suite.subjects.reference_decorating import SOUND, DecorationParts
from suite.subjects.reference_parts import Parts


def _first_of_a_mode() -> Callable[..., CompilationConfig]:
    """Loads of one mode share the configuration of the first."""
    made: dict[object, CompilationConfig] = {}
    return lambda **said: made.setdefault(said["mode"], CompilationConfig(**said))


class _ChoosesOnce(Loader):
    """Keeps what was chosen for a class of models."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen: dict[type[nn.Module], tuple[Part, ...]] = {}

    def chosen(self, parts: ModelParts, wishes: CompilationConfig) -> tuple[Part, ...]:
        return self._chosen.setdefault(parts.model_class, super().chosen(parts, wishes))


def _first_of_a_class() -> Callable[[], CompileServices]:
    """Programs are known by class and arguments: the second instance runs that of the first, with its weights."""
    made: dict[str, Program] = {}

    class Tracer(TorchTracer):
        def jit(self, forward: Program) -> Program:
            return made.setdefault(self.target.class_name, super().jit(forward))

    def tracer(target: Target) -> TorchTracer:
        return Tracer(target)

    return lambda: CompileServices(tracer=tracer)


class _OncePerClass(Loader):
    """Takes a class that it knows for done."""

    def __init__(self) -> None:
        super().__init__()
        self._done: set[type[nn.Module]] = set()

    def attach(
        self,
        model: PreTrainedModel,
        parts: ModelParts,
        chosen: Sequence[Part],
        wishes: CompilationConfig,
        services: CompileServices | None,
    ) -> Loaded:
        new = [each for each in chosen if each.cls not in self._done]
        self._done.update(each.cls for each in new)
        return super().attach(model, parts, new, wishes, services)


class _OnTop(PartDecorator):
    """Decorates what came of the last time once more."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[type[nn.Module], type[nn.Module]] = {}

    def decorated(self, part: Part, config: object) -> type[nn.Module]:
        last = self._last.get(part.cls)
        made = super().decorated(part, config) if last is None else type(last.__name__, (last,), {})
        self._last[part.cls] = made
        return made


class _OneLoadAtATime(Loader):
    """Keeps the model that it is loading where another thread may replace it."""

    _model: PreTrainedModel

    def attach(
        self,
        model: PreTrainedModel,
        parts: ModelParts,
        chosen: Sequence[Part],
        wishes: CompilationConfig,
        services: CompileServices | None,
    ) -> Loaded:
        self._model = model
        time.sleep(0.3)
        done = super().attach(self._model, parts, chosen, wishes, services)
        return Loaded(model, parts, done.changes)


_BESIDE, _AGAIN, _THREADS = "several_loads/side-by-side", "several_loads/again", "several_loads/in-threads"


def _fault(name: str, breaks: str, law: str, parts: Callable[[], DecorationParts]) -> Fault:
    """A fault on any two loads."""
    return Fault(
        id=f"several_loads/{name}",
        breaks=breaks,
        caught_by=(law,),
        parts=lambda: Parts(decoration=parts()),
        family="llama",
    )


FAULTS = (
    _fault(
        "one-configuration",
        "two loads count into the same counters",
        _BESIDE,
        lambda: replace(SOUND, config=_first_of_a_mode()),
    ),
    _fault(
        "chooses-once",
        "the first load of a class decides for all",
        _BESIDE,
        lambda: replace(SOUND, loader=_ChoosesOnce),
    ),
    _fault(
        "program-of-a-class",
        "a second model runs the program of the first",
        _BESIDE,
        lambda: replace(SOUND, services=_first_of_a_class()),
    ),
    _fault("once-per-class", "a second load stays eager", _AGAIN, lambda: replace(SOUND, loader=_OncePerClass)),
    _fault(
        "decorates-on-top",
        "each load decorates the class once more",
        _AGAIN,
        lambda: replace(SOUND, loader=lambda: Loader(decorator=_OnTop())),
    ),
    _fault(
        "one-load-at-a-time",
        "two loads at once get each other's model",
        _THREADS,
        lambda: replace(SOUND, loader=_OneLoadAtATime),
    ),
)
