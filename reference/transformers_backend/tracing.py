"""What the tracer has to know of transformers: late hooks, masks, and encoders that do not trace (BUG-H07, SPEC D5)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from torch import Tensor, nn
from torch._dynamo.exc import Unsupported
from transformers import PreTrainedModel
from transformers.utils import output_capturing

from reference.compilation.aot import TorchTracer, is_data_dependent
from reference.compilation.compiled_forward import CompiledForward, CompileServices, Program, Target, Tracer
from reference.compilation.config import CompilationConfig, DynamicShapes
from reference.compilation.dynamic_dims import DimensionMarker
from reference.compilation.recipes import COMPILED, Wishes, services_of
from reference.compilation.variants import Variant

logger = logging.getLogger(__name__)

MakeTracer = Callable[[Target], Tracer]
ENVIRONMENT = ("TRANSFORMERS_SDPA_FORCE_GQA",)
"""Variables that forwards of transformers read while they are traced (BUG-C14)."""


class TracedPart:
    """A part's program. An encoder that does not trace as one graph for some inputs becomes eager for good."""

    def __init__(self, program: Program, forward: Program, *, target: Target) -> None:
        self.program = program
        self.forward = forward
        self.target = target
        self._ran = False

    def __call__(self, *args: object, **kwargs: object) -> object:
        """What the forward returns.

        Raises:
            Unsupported: an encoder does not trace at its first call; whoever compiles it leaves it eager.
        """
        if not self._ran:
            install_capturing_hooks(self.target.module, kwargs)
        try:
            value = self.program(*args, **kwargs)
        except Exception as error:
            if not self.target.is_encoder or not (isinstance(error, Unsupported) or is_data_dependent(error)):
                raise
            if not self._ran:
                raise Unsupported(str(error)) from error
            logger.warning("%s does not trace for these inputs and stays eager: %s", self.target.class_name, error)
            self.program = self.forward
            return self.forward(*args, **kwargs)
        self._ran = True
        return value


class TransformersTracer(Tracer):
    """Another tracer, whose programs are used only as long as the hooks inside the module are those of their trace.

    Torch guards on hooks that were there at the trace, and not on hooks that come later. Hooks of the module itself
    fire outside of its forward, and need nothing.
    """

    def __init__(self, inner: Tracer, target: Target) -> None:
        self.inner = inner
        self.target = target
        self.module = target.module
        self._hooks: dict[int, tuple[Program, tuple[int, ...]]] = {}

    def key(self, variant: Variant) -> str:
        """The other tracer's."""
        return self.inner.key(variant)

    def load(self, key: str) -> Program | None:
        """A stored program, unless there are hooks of which it knows nothing."""
        if self.hooks():
            return None
        program = self.inner.load(key)
        return None if program is None else self._noted(program)

    def aot(self, forward: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Program:
        """The other tracer's."""
        install_capturing_hooks(self.module, kwargs)
        return self._noted(self.inner.aot(forward, args, kwargs))

    def save(self, key: str, program: Program) -> None:
        """Keeps a program, unless it has hooks inside: they are not in its key."""
        if not self.hooks():
            self.inner.save(key, program)

    def reject(self, key: str, why: str) -> None:
        """The other tracer's."""
        self.inner.reject(key, why)

    def jit(self, forward: Program) -> Program:
        """The other tracer's, with what has to be done before its trace."""
        return self._noted(TracedPart(self.inner.jit(forward), forward, target=self.target))

    def stock(self, forward: Program) -> Program:
        """The other tracer's: stock torch.compile does as torch does, which does not see later hooks."""
        return self.inner.stock(forward)

    def fits(self, program: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
        """Whether the hooks inside are those of the trace, and the program's own guards hold."""
        if program == self.target.forward:
            return True
        _, traced = self._hooks.get(id(program), (program, None))
        return traced == self.hooks() and self.inner.fits(program, args, kwargs)

    def hooks(self) -> tuple[int, ...]:
        """Every hook inside of the module by its number, which torch gives only once.

        Those by which transformers returns hidden states are left out: they do nothing unless they are asked.
        """
        inside = (each for each in self.module.modules() if each is not self.module)
        found = (item for each in inside for hooks in _hooks(each) for item in hooks.items())
        return tuple(key for key, hook in found if getattr(hook, "__module__", None) != output_capturing.__name__)

    def _noted(self, program: Program) -> Program:
        now = self.hooks()
        self._hooks = {key: each for key, each in self._hooks.items() if each[1] == now}
        self._hooks[id(program)] = (program, now)
        return program


class MaskMarker(DimensionMarker):
    """Another marker, which knows that a mask of 4 dims has tokens in its last two: queries and keys."""

    def __init__(self, inner: DimensionMarker) -> None:
        self.inner = inner

    def mark(self, tensor: Tensor, dim: int, shapes: DynamicShapes) -> None:
        """Marks one dim, and that of the queries with that of the keys."""
        self.inner.mark(tensor, dim, shapes)
        if tensor.ndim == 4 and dim == 3:
            self.inner.mark(tensor, 2, shapes)

    def settings(self, shapes: DynamicShapes) -> AbstractContextManager[object]:
        """The other marker's."""
        return self.inner.settings(shapes)


def stays_eager(module: nn.Module) -> bool:
    """Whether a part was called and has no compiled program: it did not trace as one graph (SPEC D5)."""
    made = vars(module).get(COMPILED)
    if not isinstance(made, CompiledForward) or not made.programs:
        return False
    programs = (each.program if isinstance(each, TracedPart) else each for each in made.programs.values())
    return all(each == made.target.forward for each in programs)


def services_for(services: CompileServices) -> CompileServices:
    """The same services, with a tracer, a marker and variables that fit transformers."""
    return replace(
        services,
        tracer=_Around(services.tracer or TorchTracer),
        marker=MaskMarker(services.marker),
        environment=tuple(dict.fromkeys((*services.environment, *ENVIRONMENT))),
    )


@dataclass(frozen=True)
class _Around:
    make: MakeTracer

    def __call__(self, target: Target) -> Tracer:
        return TransformersTracer(self.make(target), target)


def install_capturing_hooks(module: nn.Module, kwargs: Mapping[str, object]) -> None:
    """Installs the hooks by which transformers returns hidden states and attentions, if a call asks for such.

    Left to itself, transformers installs them in that call, which is inside the trace (BUG-H07).
    """
    config = getattr(module, "config", None)
    asked = any(value for name, value in kwargs.items() if name.startswith("output_"))
    asked = asked or any(getattr(config, name, False) for name in ("output_hidden_states", "output_attentions"))
    if asked and isinstance(module, PreTrainedModel):
        output_capturing.maybe_install_capturing_hooks(module)


@dataclass(frozen=True, eq=False)
class PartWishes(Wishes):
    """What one part was given; a pickle keeps the configuration alone, and finds services for it again."""

    def __reduce__(self) -> tuple[Callable[[CompilationConfig], PartWishes], tuple[CompilationConfig]]:
        return _unpickled, (self.config,)


def _unpickled(config: CompilationConfig) -> PartWishes:
    return PartWishes(config, services_for(services_of(config)))


def _hooks(module: nn.Module) -> tuple[Mapping[int, object], ...]:
    return vars(module)["_forward_pre_hooks"], vars(module)["_forward_hooks"]
