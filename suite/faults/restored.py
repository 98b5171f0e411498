"""Faults of what comes back from the cache: it is not quite what was kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, fx
from torch.utils._pytree import tree_map_only

from reference.compilation.aot import TorchTracer
from reference.compilation.compiled_forward import Program
from reference.compilation.piece_compilers import CompiledPiece, PieceCompiler, standard_compilers
from reference.compilation.piecewise import PiecewiseFunction
from reference.compilation.program import SplitProgram
from reference.compilation.ranges import CompileRange, Ranges
from suite.faults import injection
from suite.faults.fault import Fault


class _LoadedOtherwise:
    """A compiler whose pieces are other ones when they come from disk."""

    def __init__(self, compiler: PieceCompiler, change: Callable[[CompiledPiece], CompiledPiece]) -> None:
        self._compiler = compiler
        self._change = change
        self.name = compiler.name

    def options(self) -> str:
        """As the compiler's."""
        return self._compiler.options()

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """As the compiler's."""
        return self._compiler.compile(graph, example_inputs, compile_range)

    def load(self, data: bytes) -> CompiledPiece:
        """As the compiler's, changed."""
        return self._change(self._compiler.load(data))


def _writes_copies(made: CompiledPiece) -> CompiledPiece:
    """Runs on copies of its arguments."""

    def run(*args: object) -> object:
        return made.run(*(each.clone() if isinstance(each, Tensor) else each for each in args))

    return replace(made, run=run)


def _copying_compilers() -> dict[str, PieceCompiler]:
    """All compilers, whose loaded pieces run on copies."""
    return {name: _LoadedOtherwise(each, _writes_copies) for name, each in standard_compilers().items()}


class _GivesCopies(TorchTracer):
    """Loads whole programs that give copies where they should give views."""

    def load(self, key: str) -> Program | None:
        program = super().load(key)
        return None if program is None else _GivingCopies(program)

    def fits(self, program: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
        return super().fits(program.inner if isinstance(program, _GivingCopies) else program, args, kwargs)


class _GivingCopies:
    """A program whose outputs are all copied."""

    def __init__(self, inner: Program) -> None:
        self.inner = inner

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Copies of what the program returns."""
        return tree_map_only(Tensor, Tensor.clone, self.inner(*args, **kwargs))


class _ClosesLastRange(TorchTracer):
    """Keeps whole programs whose last range ends where it begins to be open."""

    def backend(self) -> Callable[..., object]:
        made = super().backend()

        def closing(*args: object) -> object:
            split = made(*args)
            for piece in split.pieces if isinstance(split, SplitProgram) else ():
                _forget_open_end(piece)
            return split

        return closing


def _forget_open_end(piece: PiecewiseFunction) -> None:
    """Ends the last range where it begins."""
    *others, last = piece.ranges.all
    if others and last.end is None:
        piece.ranges = Ranges([*others, CompileRange(last.start, last.start)])


_WARM = "compile_cache/warm-start-equals-eager"

FAULTS = (
    Fault(
        id="restored/loaded-pieces-write-copies",
        breaks="a piece from the cache writes into copies of its arguments",
        caught_by=(_WARM,),
        parts=injection.compilation(compilers=_copying_compilers),
    ),
    Fault(
        id="restored/loaded-views-are-copies",
        breaks="a whole program from the cache gives copies where it should give views",
        caught_by=(_WARM,),
        parts=injection.compilation(tracer=_GivesCopies),
    ),
    Fault(
        id="restored/loaded-range-is-closed",
        breaks="the last range of a whole program is loaded as if it ended",
        caught_by=("compile_cache/borders-after-a-warm-start",),
        parts=injection.compilation(tracer=_ClosesLastRange),
        source="BUG-C17",
    ),
)
