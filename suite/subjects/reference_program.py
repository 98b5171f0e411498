"""The reference's compilation as a started program: one class decorated, its instances compiled as they are called.

A start behaves as a new process: torch forgets what it traced and built, the services are made anew, and only the
cache directory below the workspace stays.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._inductor.cpp_builder import get_cpp_compiler
from torch._inductor.exc import InvalidCxxCompiler
from torch._inductor.utils import fresh_cache

from models import programs
from models.programs.program import Program, frozen
from reference.compilation.compiled_forward import CompiledForward, CompileServices
from reference.compilation.config import CompilationConfig, CompilationMode, ConfigError
from reference.compilation.recipes import COMPILED, WISHES, compiled_forward
from suite.contract.compiling import CompileFacts
from suite.contract.program import CompileSetup, Start
from suite.contract.subject import Refused
from suite.subjects.heard import Lines, heard, own_warnings
from suite.subjects.piece_watch import PieceWatch, watched_builder, watched_compilers
from suite.subjects.reference_compilation import CompilationParts

PREFIX = "lockstep"
LABEL = f"{PREFIX}_log_compile_start"
_LOGGER = "reference.compilation"


def _has_compiler() -> bool:
    """Whether torch finds a C++ compiler, without which inductor generates no code for a CPU."""
    try:
        return shutil.which(get_cpp_compiler()) is not None
    except InvalidCxxCompiler:
        return False


COMPILE_BACKENDS = ("eager", "aot_eager", *(["inductor"] if _has_compiler() else []))


@contextlib.contextmanager
def _new_process() -> Iterator[None]:
    """Torch as it is before anything was compiled, with an empty cache of its own; forgotten again at the end."""
    torch.compiler.reset()
    try:
        with fresh_cache():
            yield
    finally:
        torch.compiler.reset()


def config_of(setup: CompileSetup, program: Program, folder: Path, make: Callable[..., Any]) -> CompilationConfig:
    """The reference's configuration of a setup; ranges are counted in rows there.

    Raises:
        Refused: the configuration refuses a value.
    """
    try:
        config: CompilationConfig = make(
            mode=CompilationMode(setup.mode),
            backend=setup.backend,
            splitting_ops=program.seams if setup.split else (),
            compile_ranges_endpoints=tuple(end * program.rows_per_unit for end in setup.ranges),
            aot_compile=setup.aot,
            compile_mm_encoder=setup.component == "encoder",
            cache_dir=folder / "cache" if setup.cached else None,
            trace_prefix=PREFIX,
        )
    except ConfigError as error:
        raise Refused(str(error)) from error
    return config


class StartedProgram:
    """Instances of one decorated class, and what was seen of them."""

    def __init__(self, family: str, start: Start, workspace: Path, parts: CompilationParts) -> None:
        self._program = programs.program(start.program.name, family=family)
        self._config = config_of(start.setup, self._program, workspace, parts.config)
        self._parts = parts
        self._watch = PieceWatch(rows_per_unit=self._program.rows_per_unit)
        self._lines = Lines()
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(_new_process())
        self._stack.enter_context(heard(self._lines, _LOGGER))
        self._store = parts.store(self._config.cache_dir) if self._config.cache_dir else None
        self._services = self._made_services()
        try:
            self._instances = self._built(start)
        except BaseException:
            self._stack.close()
            raise

    def _made_services(self) -> CompileServices:
        parts = self._parts.backend
        return CompileServices(
            monitor=self._parts.monitor,
            store=self._store,
            compilers=watched_compilers(self._parts.compilers(), self._watch),
            parts=replace(parts, builder=watched_builder(parts.builder, self._watch)),
            tracer=self._parts.tracer,
            paths=self._parts.paths(),
            marker=self._parts.marker(),
            environment=self._parts.environment,
        )

    def _built(self, start: Start) -> list[nn.Module]:
        spec, setup = start.program, start.setup
        made = self._parts.decorate(self._program.module, is_encoder=setup.component == "encoder")
        given = [
            self._program.arguments(scale=spec.scale, depth=spec.depth, instance=number)
            for number in range(setup.instances)
        ]
        instances = [frozen(made(**each, compilation_config=self._config, services=self._services)) for each in given]
        if self._parts.forward is not CompiledForward:
            for each in instances:
                self._replace_forward(each)
        return instances

    def _replace_forward(self, module: nn.Module) -> None:
        """Puts another form of the compiled forward in the place of the one that an instance makes for itself."""
        if WISHES in vars(module):
            made = compiled_forward(module)
            vars(module)[COMPILED] = self._parts.forward(made.target, tracer=made.tracer)

    def module(self, instance: int) -> nn.Module:
        """The decorated instance."""
        return self._instances[instance]

    def run(self, inputs: Mapping[str, Tensor], *, instance: int = 0) -> object:
        """What the instance returns."""
        self._watch.units = len(inputs[self._program.size]) // self._program.rows_per_unit
        with own_warnings(self._lines, "/reference/"):
            return self._instances[instance](**inputs)

    def facts(self) -> CompileFacts:
        """What was seen so far."""
        counted = self._services.counter
        return CompileFacts(
            pieces=self._watch.pieces(),
            program_key=self._program_key(),
            traced=counted.num_graphs_seen,
            loaded_whole=counted.num_aot_loads,
            language_model_seconds=self._config.compilation_time,
            encoder_seconds=self._config.encoder_compilation_time,
            messages=tuple(self._lines.messages),
            warnings=tuple(self._lines.warnings),
            label=LABEL,
        )

    def _program_key(self) -> str | None:
        """The keys of the programs that were needed; equal programs have one."""
        if not self._config.aot_compile:
            return None
        forwards = [each for module in self._instances if (each := vars(module).get(COMPILED)) is not None]
        keys = {forward.tracer.key(variant) for forward in forwards for variant in forward.programs}
        return " ".join(sorted(keys)) or None

    def close(self) -> None:
        """Torch forgets the programs; the cache directory stays."""
        self._instances = []
        self._stack.close()
