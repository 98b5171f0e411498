"""One module's forward and the three ways to a compiled one, each timed once (SPEC T3)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from torch import nn
from torch._dynamo.exc import Unsupported

from reference.compilation.artifacts import ArtifactStore
from reference.compilation.backend import BackendParts
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.counters import CompilationCounter
from reference.compilation.dynamic_dims import DimensionMarker, DynamicDims, ForwardSignature
from reference.compilation.monitor import JIT_MESSAGE, MESSAGE, Clock, Monitor, monitor_torch_compile
from reference.compilation.piece_compilers import PieceCompiler, standard_compilers
from reference.compilation.piecewise import SharedPieces
from reference.compilation.raising import forward_raises
from reference.compilation.variants import Variant, ambient_of, form_of

logger = logging.getLogger(__name__)

Program = Callable[..., object]
"""Takes what the forward takes, without `self`."""
Path = Literal["load", "aot", "jit"]
Component = Literal["encoder", "language_model"]


class NothingStored(Exception):
    """There is no stored program for a key; raised inside the monitor, so that a look-up counts nothing."""


class Misfit(Exception):
    """A stored program is not for these inputs; raised inside the monitor, since such a load counts nothing."""


class AotImpossible(Exception):
    """Torch cannot compile this program ahead of time; just in time it may work."""


class Tracer(Protocol):
    """Turns a forward into programs. Scripted ones need no torch.compile."""

    def key(self, variant: Variant) -> str:
        """The name of a stored program, fixed before anything is traced."""
        ...

    def load(self, key: str) -> Program | None:
        """The stored program, or None if there is none; raises whatever shows that it is damaged."""
        ...

    def aot(self, forward: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Program:
        """The program for such inputs, not yet run; raises `AotImpossible` if torch cannot make one."""
        ...

    def tell_loaded(self, program: Program) -> None:
        """Tells the trace that a stored program is used."""
        return

    def save(self, key: str, program: Program) -> None:
        """Keeps a program that `aot` made; what cannot be kept is told of, and raises nothing."""
        ...

    def reject(self, key: str, why: str) -> None:
        """Tells once that a stored program is not used, and makes room for the next one."""
        logger.warning("the stored program %s is not used: %s. It is compiled again.", key, why)

    def jit(self, forward: Program) -> Program:
        """A program that compiles in its first call."""
        ...

    def stock(self, forward: Program) -> Program:
        """The forward under plain torch.compile."""
        ...

    def fits(self, program: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
        """Whether the program's own guards hold for these inputs."""
        return True


class Paths:
    """Decides which ways are tried, and in what order."""

    def order(self, config: CompilationConfig, *, aot_works: bool) -> tuple[Path, ...]:
        """The ways, best first; the last one must lead to a program."""
        return ("load", "aot", "jit") if config.aot_compile and aot_works else ("jit",)


@dataclass(frozen=True, kw_only=True)
class CompileServices:
    """What compiling takes from outside. Every part can be scripted or replaced."""

    monitor: Monitor = monitor_torch_compile
    clock: Clock = time.perf_counter
    counter: CompilationCounter = field(default_factory=CompilationCounter)
    store: ArtifactStore | None = None
    """Where artifacts live. None: below the configuration's `cache_dir`, if it names one."""
    compilers: Mapping[str, PieceCompiler] = field(default_factory=standard_compilers)
    """What compiles pieces, by the name of the configuration's `backend`."""
    parts: BackendParts = field(default_factory=BackendParts)
    """What the piecewise back end is made of."""
    tracer: Callable[[Target], Tracer] | None = None
    """Makes the tracer of one module. None: torch's."""
    shared: SharedPieces = field(default_factory=SharedPieces)
    """Pieces that instances with these services compile once for all (BUG-C10)."""
    paths: Paths = field(default_factory=Paths)
    marker: DimensionMarker = field(default_factory=DimensionMarker)
    environment: tuple[str, ...] = ()
    """Environment variables that forwards read while they are traced; their values are in the key (BUG-C14)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """What is compiled: one module's own forward, and what is known of it."""

    module: nn.Module
    forward: Program
    """The plain forward, bound to the module."""
    class_name: str
    signature: ForwardSignature
    dims: DynamicDims
    is_encoder: bool
    config: CompilationConfig
    services: CompileServices

    @property
    def component(self) -> Component:
        """The part of the model that this is, as artifacts name it (BUG-C08)."""
        return "encoder" if self.is_encoder else "language_model"


class CompiledForward:
    """Runs one module's forward: plain, under stock torch.compile, or through programs of its own.

    Compile seconds are those inside the monitor. A program that is loaded or compiled ahead of time first runs outside
    of it (BUG-T05); just in time, compiling is the first run, and the message says so. No context of any kind is read
    (BUG-C07).
    """

    def __init__(self, target: Target, *, tracer: Tracer) -> None:
        self.target = target
        self.tracer = tracer
        self.programs: dict[Variant, Program] = {}
        self._variants: dict[Hashable, Variant] = {}
        self._stock: Program | None = None
        self._aot_works = True
        self._compiling = threading.RLock()

    def __call__(self, *args: object, **kwargs: object) -> object:
        """What the plain forward returns for these arguments."""
        mode = self.target.config.mode
        if mode is CompilationMode.NONE:
            return self.target.forward(*args, **kwargs)
        if mode is CompilationMode.STOCK:
            self._stock = self._stock or self.tracer.stock(self.target.forward)
            return self._stock(*args, **kwargs)
        variant = self.variant(args, kwargs)
        program = self.programs.get(variant)
        if program is None or not self.tracer.fits(program, args, kwargs):
            return self._first_call(variant, args, kwargs)
        return program(*args, **kwargs)

    def variant(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Variant:
        """The variant of one call.

        Raises:
            TypeError: the arguments do not fit the forward (SPEC D4).
        """
        training = self.target.module.training
        named = tuple((name, form_of(value)) for name, value in kwargs.items())
        form = (tuple(map(form_of, args)), named, ambient_of(training=training))
        if form not in self._variants:
            self._variants[form] = Variant.of(self.target.signature.arguments(args, kwargs), training=training)
        return self._variants[form]

    def _first_call(self, variant: Variant, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        with self._compiling:
            program = self.programs.get(variant)
            if program is None or not self.tracer.fits(program, args, kwargs):
                ways = {"load": self._load, "aot": self._aot, "jit": self._jit}
                for path in self.target.services.paths.order(self.target.config, aot_works=self._aot_works):
                    if outcome := ways[path](variant, args, kwargs):
                        break
                else:
                    raise RuntimeError(f"No path led to a program of {self.target.class_name}: end the order in 'jit'.")
                if not self.programs:
                    self.target.services.counter.add("num_models_seen")
                self.programs[variant] = outcome.program
                if outcome.ran:
                    return outcome.value
                program = outcome.program
        return program(*args, **kwargs)

    def _load(self, variant: Variant, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Outcome | None:
        key = self.tracer.key(variant)
        try:
            with self.monitored():
                program = self.tracer.load(key)
                if program is None:
                    raise NothingStored(key)
                if not self.tracer.fits(program, args, kwargs):
                    raise Misfit("its guards do not hold here")
                self.tracer.tell_loaded(program)
        except NothingStored:
            return None
        except Exception as error:
            self.tracer.reject(key, f"it cannot be used: {error!r}")
            return None
        self.target.services.counter.add("num_aot_loads")
        return Outcome(program)

    def _aot(self, variant: Variant, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Outcome | None:
        key = self.tracer.key(variant)
        try:
            with self.monitored():
                program = self.tracer.aot(self.target.forward, args, kwargs)
        except AotImpossible as error:
            self._aot_works = False
            logger.warning(
                "%s cannot be compiled ahead of time and is compiled just in time: %s", self.target.class_name, error
            )
            return None
        self.target.services.counter.add("num_aot_compiles")
        self.tracer.save(key, program)
        return Outcome(program)

    def _jit(self, variant: Variant, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Outcome | None:
        program = self.tracer.jit(self.target.forward)
        try:
            with self.monitored(JIT_MESSAGE):
                value = program(*args, **kwargs)
        except Unsupported as error:
            if forward_raises(error) or not self.target.is_encoder:
                raise
            # SPEC D5: an encoder that does not trace as one graph stays eager.
            logger.warning("%s does not trace as one graph and stays eager: %s", self.target.class_name, error)
            return Outcome(self.target.forward)
        return Outcome(program, ran=True, value=value)

    def monitored(self, message: str = MESSAGE) -> AbstractContextManager[object]:
        """The monitor of one path."""
        target = self.target
        return target.services.monitor(target.config, message, target.is_encoder, clock=target.services.clock)


@dataclass(frozen=True)
class Outcome:
    """A program that one path led to, and what it returned if it ran on the way."""

    program: Program
    ran: bool = False
    value: object = None
