"""Faults of code that is not for all sizes of its range: it runs for the others too.

Inductor makes such code, slowly. Here the compiler is one that asks whether a piece has more than two rows, and whose
code is wrong for fewer; all is well while someone remembers that it asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import SymInt, Tensor, fx

from reference.compilation.piece_compilers import AotEagerCompiler, CompiledPiece, PieceCompiler, standard_compilers
from reference.compilation.piecewise import PieceBuilder, PiecewiseFunction, guarded
from reference.compilation.ranges import CompileRange
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_compilation import SOUND

FEW = 2


class _ForMany(AotEagerCompiler):
    """AOTAutograd's code, with rubbish for pieces of few rows."""

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        for size in example_inputs:
            if isinstance(size, SymInt) and size <= FEW:
                raise RuntimeError(f"{compile_range} was shown by one of its smallest sizes")
        return self._changed(super().compile(graph, example_inputs, compile_range))

    def load(self, data: bytes) -> CompiledPiece:
        return self._changed(super().load(data))

    def _changed(self, made: CompiledPiece) -> CompiledPiece:
        def run(*args: object) -> object:
            outputs = made.run(*args)
            if any(isinstance(each, int) and each <= FEW for each in args):
                return [torch.zeros_like(each) if isinstance(each, Tensor) else each for each in outputs]
            return outputs

        return replace(made, run=run)


def for_many() -> dict[str, PieceCompiler]:
    """The standard compilers, one of them for many rows alone."""
    return {**standard_compilers(), "aot_eager": _ForMany()}


class _NeverAsks(PiecewiseFunction):
    """Runs what was compiled for a range for all of its sizes."""

    def prepare(self, slot: int) -> Any:  # noqa: ANN401 - what the piece gives
        run = self._ready[slot] = guarded(self.piece.graph, replace(self.made(slot), condition=None))
        return run


class _ForgetsOnDisk(PieceBuilder):
    """Loads code without what it was made under."""

    def load(self, key: str) -> CompiledPiece | None:
        made = super().load(key)
        return None if made is None else replace(made, condition=None)


def assuming(**parts: Any) -> injection.MakeParts:  # noqa: ANN401 - the fields check their types
    """Parts with that compiler, and others of the back end; with none, everything is sound."""
    return injection.compilation(compilers=for_many, backend=replace(SOUND.backend, **parts))


FAULTS = (
    Fault(
        id="compiled_sizes/never-asks",
        breaks="code runs for sizes that its compiler ruled out",
        caught_by=("compiled/values-equal-eager", "compiled/borders-of-ranges"),
        parts=assuming(function=_NeverAsks),
        source="BUG-C17",
    ),
    Fault(
        id="compiled_sizes/forgets-on-disk",
        breaks="what the compiler of a piece ruled out is not kept beside its code",
        caught_by=("compile_cache/warm-start-equals-eager",),
        parts=assuming(builder=_ForgetsOnDisk),
        source="BUG-C17",
    ),
)
