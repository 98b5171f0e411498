"""Faults of counts: what is traced or compiled too often, and seconds that are counted or told wrongly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from reference.compilation.aot import TorchTracer
from reference.compilation.compiled_forward import Program
from reference.compilation.config import CompilationConfig, DynamicShapes
from reference.compilation.decorator import support_torch_compile
from reference.compilation.monitor import CompileMonitor
from reference.compilation.piece_compilers import CompiledPiece
from reference.compilation.piecewise import PieceBuilder, PiecewiseFunction
from reference.compilation.ranges import CompileRange
from reference.compilation.splitting import Piece
from suite.faults import injection
from suite.faults.compiled import marking_the_first_alone
from suite.faults.fault import Fault


def _marked_dynamic_only(**fields: Any) -> CompilationConfig:  # noqa: ANN401 - the configuration's own
    """Marks sizes as dynamic, which leaves 0 and 1 to be special."""
    return CompilationConfig(**fields, dynamic_shapes=DynamicShapes.BACKED)


class _BreaksGraph(TorchTracer):
    """Traces a wrapper that does what cannot be traced before it calls the forward."""

    def compiled(self) -> Program:
        plain = self._function

        def wrapped(*args: object, **kwargs: object) -> object:
            torch._dynamo.graph_break()
            return plain(*args, **kwargs)

        made: Program = torch.compile(wrapped, backend=self.backend())
        return made


def _never_enabled(cls: type[nn.Module], *, is_encoder: bool) -> type[nn.Module]:
    """Finds a reason not to compile, whatever the configuration."""
    return support_torch_compile(cls, is_encoder=is_encoder, enable_if=lambda _: False)


class _SharesNothing(PieceBuilder):
    """Compiles each piece of each instance."""

    def build(self, piece: Piece, compile_range: CompileRange) -> CompiledPiece:
        self.shared.by_key.clear()
        return super().build(piece, compile_range)


class _ForgetsRanges(PiecewiseFunction):
    """Makes a piece ready for every call."""

    def slot(self, args: Sequence[object]) -> int:
        self._made.clear()
        self._ready = [None] * len(self.ranges.all)
        return super().slot(args)


class _CountsForBoth(CompileMonitor):
    """Adds to the counter of each component."""

    def add(self, seconds: float) -> None:
        super().add(seconds)
        self.is_encoder = not self.is_encoder
        super().add(seconds)


class _AddsTheBackEnd(CompileMonitor):
    """Adds once more what the back end says of itself, about half of all."""

    def add(self, seconds: float) -> None:
        super().add(1.5 * seconds)


_TRACES = "compile_counts/no-trace-after-warm-up"
_SECONDS = "compile_counts/seconds-are-counted-once"

FAULTS = (
    Fault(
        id="compile_counts/breaks-the-graph",
        breaks="the compiled form of a forward is two graphs",
        caught_by=("compile_counts/one-graph",),
        parts=injection.compilation(tracer=_BreaksGraph),
    ),
    Fault(
        id="compile_counts/never-compiles",
        breaks="every call runs in eager, and nothing says so",
        caught_by=("compile_counts/one-graph", "compiled/towers-compile-once"),
        parts=injection.compilation(decorate=_never_enabled),
    ),
    Fault(
        id="compile_counts/marked-dynamic-only",
        breaks="sizes 0 and 1 are traced once more",
        caught_by=(_TRACES,),
        parts=injection.compilation(config=_marked_dynamic_only),
        source="BUG-C12",
    ),
    Fault(
        id="compile_counts/undeclared-argument",
        breaks="an argument that varies with the number of items is not declared as dynamic",
        caught_by=(_TRACES,),
        parts=injection.compilation(decorate=marking_the_first_alone),
        source="BUG-C11",
    ),
    Fault(
        id="compile_counts/shares-nothing",
        breaks="every instance and every block compiles its own pieces",
        caught_by=("compile_counts/one-compile-per-program",),
        parts=injection.piecewise(builder=_SharesNothing),
        source="BUG-C10",
    ),
    Fault(
        id="compile_counts/forgets-ranges",
        breaks="a range is made ready again for every call",
        caught_by=("compile_counts/every-range-compiled-on-need",),
        parts=injection.piecewise(function=_ForgetsRanges),
    ),
    Fault(
        id="compile_counts/transform-time-is-not-known",
        breaks="the back end logs no number for the time of Dynamo",
        caught_by=("compile_counts/back-end-tells-its-times",),
        parts=injection.piecewise(transform_seconds=lambda: math.nan),
    ),
    Fault(
        id="compile_counts/counts-for-both",
        breaks="compile seconds go to both counters",
        caught_by=(_SECONDS,),
        parts=injection.monitor(_CountsForBoth),
        source="BUG-T03",
    ),
    Fault(
        id="compile_counts/adds-the-back-end",
        breaks="the back end's seconds are added to those of the monitor around it",
        caught_by=(_SECONDS,),
        parts=injection.monitor(_AddsTheBackEnd),
    ),
)
