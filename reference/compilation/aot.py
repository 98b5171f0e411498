"""Torch's ways to a program: traced just in time, or ahead of time and kept on disk (SPEC C2, T3)."""

from __future__ import annotations

import logging
import threading
import types
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, TypeVar, cast

import torch
from torch._dynamo import config as dynamo_config
from torch._dynamo.aot_compile import AOTCompiledFunction
from torch._dynamo.convert_frame import get_compile_id
from torch._dynamo.exc import Unsupported
from torch._guards import CompileContext, compile_context
from torch.fx.experimental.symbolic_shapes import ConstraintViolationError, GuardOnDataDependentSymNode

from reference.compilation.artifacts import ArtifactStore, label_of
from reference.compilation.backend import PiecewiseBackend
from reference.compilation.compiled_forward import AotImpossible, Program, Target, Tracer
from reference.compilation.config import DynamicShapes
from reference.compilation.piece_compilers import CompiledPiece
from reference.compilation.piece_log import PieceLog
from reference.compilation.piecewise import PiecewiseFunction
from reference.compilation.program_key import AotKey
from reference.compilation.ranges import CompileRange, Ranges
from reference.compilation.reads import Reads
from reference.compilation.splitting import Piece
from reference.compilation.stored_programs import AotProgram, StorableProgram
from reference.compilation.twins import twin_of
from reference.compilation.variants import Variant

logger = logging.getLogger(__name__)

_Made = TypeVar("_Made")


class TorchTracer(Tracer):
    """Traces one module with torch. Whole programs are kept in a store below the configuration's `cache_dir`."""

    def __init__(self, target: Target, *, keys: AotKey | None = None) -> None:
        self.target = target
        self.keys = keys or AotKey()
        self.store = store_of(target)
        self.label = label_of(target.component, target.class_name)
        self._function = _function_of(target.forward)
        self._told: set[str] = set()
        self.compiling_thread: int | None = None
        """The thread that is inside a compile of this module, and so inside its monitor."""

    def key(self, variant: Variant) -> str:
        """The name of a stored program, fixed before anything is traced."""
        return f"whole-{self.keys.of(self.target, variant)}"

    def load(self, key: str) -> Program | None:
        """The stored program, or None if there is none that is whole; the store tells of damage itself.

        Raises:
            Exception: whatever shows that the program cannot be used.
        """
        if self.store is None:
            return None
        found = self.store.read(self.label, key)
        if found.rejected:
            self.target.services.counter.add("num_aot_rejected")
        if found.data is None:
            return None
        program = AotProgram.from_bytes(self.target.module, found.data, getattr(self._function, "__globals__", None))
        program.require_fresh()
        return program

    def aot(self, forward: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Program:
        """The program for such inputs, traced and compiled and not yet run.

        Raises:
            AotImpossible: torch cannot trace it as one graph, or cannot make it storable.
        """
        reads = Reads()
        try:
            compiled = self.traced(lambda: self._ahead(reads, args, kwargs), args, kwargs)
        except Exception as error:
            raise AotImpossible(_first_line(error)) from error
        program = AotProgram(self.target.module, compiled, reads)
        reads.note_sources(program.sources())
        return program

    def save(self, key: str, program: Program) -> None:
        """Keeps the program, unless it read an environment variable that the key does not know (BUG-C14)."""
        if self.store is None or not isinstance(program, AotProgram):
            return
        if unlisted := program.reads.unlisted(self.target.services.environment):
            self.tell(
                f"{self.target.class_name} is not saved: its trace read {', '.join(unlisted)}, which its key does not "
                "know: name it in CompileServices.environment, or read it before the forward."
            )
            return
        try:
            data = program.serialized()
        except Exception as error:
            self.tell(f"{self.target.class_name} is not saved, torch cannot serialise it: {_first_line(error)}")
            return
        if self.store.write(self.label, key, data):
            self.target.services.counter.add("num_aot_saves")

    def reject(self, key: str, why: str) -> None:
        """Removes a stored program, so that the next one takes its place; the store tells of it."""
        self.target.services.counter.add("num_aot_rejected")
        if self.store is None:
            super().reject(key, why)
        else:
            self.store.reject(self.label, key, why)

    def tell_loaded(self, program: Program) -> None:
        """Tells of each piece and range of a stored program, as a load (BUG-L03)."""
        if not isinstance(program, AotProgram):
            return
        functions, target = program.pieces(), self.target
        told = PieceLog(
            target.services.parts.structured(target.config.trace_prefix),
            pieces=[each.piece for each in functions],
            capture_sizes=target.config.cudagraph_capture_sizes,
            component=target.component,
            class_name=target.class_name,
        )
        with _numbered():
            told.loaded(functions)

    def jit(self, forward: Program) -> Program:
        """A program that compiles in its first call."""
        return JitProgram(self)

    def stock(self, forward: Program) -> Program:
        """The forward under plain torch.compile."""
        compiled: Program = torch.compile(forward, backend=self.target.config.backend)
        return compiled

    def fits(self, program: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
        """Whether the program's own guards hold. Just in time, torch looks itself."""
        return not isinstance(program, AotProgram) or program.fits(args, kwargs)

    def compiled(self) -> Program:
        """The forward under torch.compile, as a function of its own.

        Torch keeps programs by code object and gives up after some. So each program gets a code object, and instances
        of one class do not use up each other's share.
        """
        function = self._function
        if isinstance(function, types.FunctionType):
            function = twin_of(function)
        made: Program = torch.compile(function, fullgraph=True, backend=self.backend())
        return made

    def backend(self) -> Callable[..., Any]:
        """A back end for one program."""
        services = self.target.services
        return PiecewiseBackend(
            self.target.config,
            component=self.target.component,
            class_name=self.target.class_name,
            counter=services.counter,
            store=self.store,
            compilers=services.compilers,
            clock=services.clock,
            shared=services.shared,
            parts=replace(services.parts, function=self._function_of_piece),
        )

    def _function_of_piece(
        self, piece: Piece, *, ranges: Ranges, prepare: Callable[[Piece, CompileRange], CompiledPiece]
    ) -> PiecewiseFunction:
        """A piece whose compiles are counted also when a size of another range comes after the first run."""

        def counted(piece: Piece, compile_range: CompileRange) -> CompiledPiece:
            if self.compiling_thread == threading.get_ident():
                return prepare(piece, compile_range)
            target = self.target
            with target.services.monitor(target.config, is_encoder=target.is_encoder, clock=target.services.clock):
                return prepare(piece, compile_range)

        return self.target.services.parts.function(piece, ranges=ranges, prepare=counted)

    def traced(self, trace: Callable[[], _Made], args: tuple[object, ...], kwargs: Mapping[str, object]) -> _Made:
        """Runs what traces, with dims marked. What asks for a size's value is traced once more, with backed sizes.

        What bakes a size all the same, as one row or the turns of a loop, is traced for that size alone.
        A float that differs from instance to instance is a constant of each: as a symbol, no piece compiler takes it.
        """
        self.compiling_thread = threading.get_ident()
        try:
            with cast("Any", dynamo_config).patch(specialize_float=True):
                return self._traced(trace, self.target.signature.arguments(args, kwargs))
        finally:
            self.compiling_thread = None

    def _traced(self, trace: Callable[[], _Made], arguments: Mapping[str, object]) -> _Made:
        target, wish = self.target, self.target.config.dynamic_shapes
        marker = target.services.marker
        try:
            with marker.marked(target.signature, target.dims, arguments, wish):
                return trace()
        except Exception as error:
            if wish is not DynamicShapes.UNBACKED or not is_data_dependent(error):
                raise
        logger.info("%s asks for the value of a size: it is traced with backed sizes", target.class_name)
        try:
            with marker.marked(target.signature, target.dims, arguments, DynamicShapes.BACKED_SIZE_OBLIVIOUS):
                return trace()
        except (Unsupported, ConstraintViolationError) as error:
            single = min(marker.sizes(target.signature, target.dims, arguments), default=2) < 2
            if not single and not isinstance(error, ConstraintViolationError):
                raise
        logger.info("%s bakes a size of this call: torch decides by itself which ones vary", target.class_name)
        return trace()

    def tell(self, text: str) -> None:
        """One warning, once."""
        if text not in self._told:
            self._told.add(text)
            logger.warning("%s", text)

    def _ahead(self, reads: Reads, args: tuple[object, ...], kwargs: Mapping[str, object]) -> AOTCompiledFunction:
        """Traces, and compiles every range: the whole program will be stored, and none of it is left for its runs."""
        made: list[StorableProgram] = []

        def storable(graph: torch.fx.GraphModule, example_inputs: list[object]) -> StorableProgram:
            made.append(StorableProgram(self.backend()(graph, example_inputs)))
            return made[-1]

        compiler: Any = torch.compile(
            self._function, fullgraph=True, backend=storable, options={"guard_filter_fn": reads.keep}
        )
        with _numbered():
            compiled: AOTCompiledFunction = compiler.aot_compile(((self.target.module, *args), dict(kwargs)))
            # Only now is torch's tracing over, in which no piece can be compiled.
            for each in made:
                each.prepare()
        return compiled


class JitProgram:
    """Marks dims and traces in its first call; afterwards it is torch's."""

    def __init__(self, tracer: TorchTracer) -> None:
        self._tracer = tracer
        self._compiled: Program | None = None

    def __call__(self, *args: object, **kwargs: object) -> object:
        """What the forward returns."""
        module = self._tracer.target.module
        if self._compiled is not None:
            return self._compiled(module, *args, **kwargs)

        def first_run() -> object:
            # Each attempt has a function of its own: nothing of a refused trace is left in torch's cache.
            compiled = self._tracer.compiled()
            value = compiled(module, *args, **kwargs)
            self._compiled = compiled
            return value

        return self._tracer.traced(first_run, args, kwargs)


def store_of(target: Target) -> ArtifactStore | None:
    """The store that was given, or one below the configuration's `cache_dir`."""
    if target.services.store is not None:
        return target.services.store
    return None if target.config.cache_dir is None else ArtifactStore(target.config.cache_dir)


def is_data_dependent(error: BaseException | None) -> bool:
    """Whether the trace was refused because it asked for the value of an unbacked size."""
    while error is not None:
        if isinstance(error, GuardOnDataDependentSymNode):
            return True
        error = error.__cause__ or error.__context__
    return False


def _numbered() -> AbstractContextManager[object]:
    """A number of torch's for a compile or a load that Dynamo gives none; the trace tells compiles apart by it."""
    return compile_context(CompileContext(get_compile_id({})))


def _function_of(forward: Program) -> Program:
    function: Program = getattr(forward, "__func__", forward)
    return function


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
