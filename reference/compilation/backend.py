"""The piecewise back end of torch.compile: splits, logs, and gives a program whose pieces compile on need (SPEC C1)."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from torch import fx
from torch._dynamo.utils import get_metrics_context
from torch._guards import CompileContext, CompileId, compile_context

from reference.compilation.artifacts import ArtifactStore, label_of
from reference.compilation.config import CompilationConfig, ConfigError
from reference.compilation.counters import CompilationCounter
from reference.compilation.fingerprint import Fingerprint
from reference.compilation.piece_compilers import CompiledPiece, EagerCompiler, PieceCompiler, standard_compilers
from reference.compilation.piece_log import PieceLog
from reference.compilation.piecewise import PieceBuilder, PiecewiseFunction, SharedPieces
from reference.compilation.program import SplitProgram
from reference.compilation.ranges import EVERY_SIZE, CompileRange, Ranges, ranges_of
from reference.compilation.splitting import Piece, Split, Splitter
from reference.compilation.structured_log import StructuredLog

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Seconds from some beginning."""
ENCODER = "encoder"


def seconds_in_dynamo() -> float:
    """Wall seconds since Dynamo began with the frame that is being compiled now; 0.0 outside of Dynamo."""
    context = get_metrics_context()
    started = getattr(context, "_start_time_ns", 0) if context.in_progress() else 0
    return (time.time_ns() - started) / 1e9 if started else 0.0


@dataclass(frozen=True, kw_only=True)
class BackendParts:
    """The parts of the back end that make a decision each. A wrong one is injected here."""

    splitter: Callable[[Sequence[str]], Splitter] = Splitter
    ranges: Callable[..., tuple[CompileRange, ...]] = ranges_of
    fingerprint: Callable[..., Fingerprint] = Fingerprint
    builder: Callable[..., PieceBuilder] = PieceBuilder
    function: Callable[..., PiecewiseFunction] = PiecewiseFunction
    structured: Callable[[str], StructuredLog] = StructuredLog
    label: Callable[[str, str], str] = label_of
    transform_seconds: Callable[[], float] = seconds_in_dynamo
    """Seconds that Dynamo took so far for the graph at hand."""


@dataclass
class RangeClock:
    """Seconds per range over all pieces of one program; a range is told when its last piece is ready."""

    pieces: Mapping[CompileRange, int]
    """How many pieces are compiled for it."""
    log: logging.Logger
    seconds: Counter[CompileRange] = field(default_factory=Counter)
    done: Counter[CompileRange] = field(default_factory=Counter)

    def add(self, compile_range: CompileRange, seconds: float) -> None:
        """One more piece is ready."""
        self.seconds[compile_range] += seconds  # type: ignore[assignment]  # typeshed counts in whole numbers
        self.done[compile_range] += 1
        if self.done[compile_range] == self.pieces[compile_range]:
            took = self.seconds[compile_range]
            self.log.info("Compiling a graph for compile range %s takes %.2f s", compile_range, took)


class PiecewiseBackend:
    """Give it to torch.compile as `backend`. Every graph becomes a `SplitProgram`.

    It adds to no counter of seconds (SPEC T4). Pieces compile when a size first needs them, with Dynamo's work done,
    so that nothing a compiler finds out turns into a guard of the program.

    Raises:
        ConfigError: the configuration names a piece compiler that was not given.
    """

    def __init__(
        self,
        config: CompilationConfig,
        *,
        component: str,
        class_name: str,
        counter: CompilationCounter | None = None,
        store: ArtifactStore | None = None,
        compilers: Mapping[str, PieceCompiler] | None = None,
        clock: Clock = time.perf_counter,
        log: logging.Logger = logger,
        shared: SharedPieces | None = None,
        parts: BackendParts | None = None,
    ) -> None:
        self.config = config
        self.component = component
        self.class_name = class_name
        self.counter = counter or CompilationCounter()
        self.clock = clock
        self.log = log
        self.parts = parts or BackendParts()
        compilers = compilers or standard_compilers()
        if config.backend not in compilers:
            raise ConfigError(
                f"backend={config.backend!r} is not a piece compiler: give one of {', '.join(compilers)}."
            )
        self.splitter = self.parts.splitter(config.splitting_ops)
        self.ranges = Ranges(self.parts.ranges(config.compile_ranges_endpoints, is_encoder=component == ENCODER))
        self.structured = self.parts.structured(config.trace_prefix)
        self.builder = self._builder(compilers[config.backend], store, shared or SharedPieces())

    def _builder(self, compiler: PieceCompiler, store: ArtifactStore | None, shared: SharedPieces) -> PieceBuilder:
        fingerprint = self.parts.fingerprint(
            component=self.component, class_name=self.class_name, compiler=compiler.name, options=compiler.options
        )
        return self.parts.builder(
            compiler,
            fingerprint=fingerprint,
            counter=self.counter,
            shared=shared,
            store=store,
            label=self.parts.label(self.component, self.class_name),
            log=self.log,
        )

    def __call__(self, graph: fx.GraphModule, example_inputs: Sequence[Any]) -> SplitProgram:
        """Splits a graph of Dynamo; its real example inputs are not looked at, so that none is kept."""
        self.log.info("Dynamo bytecode transform time: %.2f s", self.parts.transform_seconds())
        split = self.splitter.split(graph)
        self.counter.add("num_graphs_seen")
        self.counter.add("num_pieces_seen", len(split.pieces))
        told = self._piece_log(split.pieces)
        told.graphs()
        return SplitProgram(self._functions(split, told), split.stitch)

    def _piece_log(self, pieces: Sequence[Piece]) -> PieceLog:
        return PieceLog(
            self.structured,
            pieces=pieces,
            capture_sizes=self.config.cudagraph_capture_sizes,
            component=self.component,
            class_name=self.class_name,
        )

    def _functions(self, split: Split, told: PieceLog) -> list[PiecewiseFunction]:
        compiled = [piece for piece in split.pieces if not piece.is_splitting]
        held = Counter(each for piece in compiled for each in (self.ranges.all if piece.size else (EVERY_SIZE,)))
        preparation = Preparation(
            self, told=told, clock=RangeClock(held, self.log), compile_id=CompileContext.current_compile_id()
        )
        return [
            self._eager(piece)
            if piece.is_splitting
            else self.parts.function(piece, ranges=self.ranges, prepare=preparation.prepare)
            for piece in split.pieces
        ]

    def _eager(self, piece: Piece) -> PiecewiseFunction:
        """A splitting operation has no ranges: it runs as it is for every size."""
        return PiecewiseFunction(
            replace(piece, size=None),
            ranges=self.ranges,
            prepare=lambda one, compile_range: EagerCompiler().compile(one.graph, (), compile_range),
        )


class Preparation:
    """Makes pieces of one program ready, each under the compile that Dynamo made the program in."""

    def __init__(
        self, backend: PiecewiseBackend, *, told: PieceLog, clock: RangeClock, compile_id: CompileId | None
    ) -> None:
        self._backend = backend
        self._told = told
        self._clock = clock
        self._compile_id = compile_id

    def prepare(self, piece: Piece, compile_range: CompileRange) -> CompiledPiece:
        """One piece for one range: told to the trace, timed, built."""
        with self._same_compile():
            self._told.start(piece, compile_range)
            began = self._backend.clock()
            made = self._backend.builder.build(piece, compile_range)
            self._clock.add(compile_range, self._backend.clock() - began)
        return made

    @contextmanager
    def _same_compile(self) -> Iterator[None]:
        """Lets what torch writes into its trace stand beside Dynamo's part of the same compile."""
        if self._compile_id is None or CompileContext.current_compile_id() == self._compile_id:
            yield
            return
        with compile_context(CompileContext(self._compile_id)):
            yield
