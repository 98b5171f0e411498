"""A whole graph as pieces that run one after another, and its form on disk."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reference.compilation.copies import NotSavable, pickled, unpickled
from reference.compilation.piece_compilers import CompiledPiece, EagerCompiler, PieceCompiler, Run, dumped, loaded
from reference.compilation.piecewise import PiecewiseFunction
from reference.compilation.ranges import EVERY_SIZE, CompileRange, Ranges
from reference.compilation.splitting import Graph, Piece, SizeSource, holds_attributes, link


@dataclass(frozen=True)
class PieceState:
    """One piece as plain data."""

    index: int
    submod_name: str
    is_splitting: bool
    size: SizeSource | None
    graph: bytes
    """For calls whose arguments share memory."""
    ranges: tuple[tuple[int, int | None], ...]
    compiled: tuple[tuple[str, bytes], ...]
    """Per range the compiler's name and what it saved; none for a splitting operation."""


class SplitProgram:
    """What the back end gives to Dynamo: takes the graph's arguments, returns what the graph returns."""

    def __init__(self, functions: Sequence[PiecewiseFunction], stitch: Graph | None) -> None:
        self.pieces = tuple(functions)
        self.stitch = stitch
        self._run: Run = (
            functions[0]
            if stitch is None
            else link(stitch, {each.piece.submod_name: each for each in functions}).forward
        )

    def __call__(self, *args: object) -> object:
        """What the graph returns for these arguments."""
        return self._run(*args)

    def state(self) -> bytes:
        """Everything needed to run it in another process, for every range; missing ranges are compiled now.

        Raises:
            NotSavable: a piece, or the order of the pieces, cannot be serialised.
        """
        if self.stitch is not None and holds_attributes(self.stitch):
            raise NotSavable("the graph holds tensors of its own")
        stitch = None if self.stitch is None else pickled(self.stitch)
        return pickle.dumps((stitch, [piece_state(each) for each in self.pieces]))

    @classmethod
    def from_state(cls, state: bytes, *, compilers: Mapping[str, PieceCompiler]) -> SplitProgram:
        """The program again. Anything may be raised over damaged data, or data of another torch."""
        stitch, pieces = pickle.loads(state)
        functions = [_loaded(each, compilers) for each in pieces]
        return cls(functions, None if stitch is None else unpickled(stitch)[0])


def piece_state(function: PiecewiseFunction) -> PieceState:
    """One piece as data, compiled for every range."""
    piece = function.piece
    made = [function.made(slot) for slot in range(len(function.ranges.all))]
    return PieceState(
        index=piece.index,
        submod_name=piece.submod_name,
        is_splitting=piece.is_splitting,
        size=piece.size,
        graph=EagerCompiler().compile(piece.graph, (), EVERY_SIZE).dump(),
        ranges=tuple((each.start, each.end) for each in function.ranges.all),
        compiled=tuple((each.compiler, dumped(each)) for each in made),
    )


def _loaded(state: PieceState, compilers: Mapping[str, PieceCompiler]) -> PiecewiseFunction:
    graph, _ = unpickled(state.graph)
    piece = Piece(state.index, state.submod_name, graph, state.is_splitting, state.size)
    ranges = Ranges([CompileRange(start, end) for start, end in state.ranges])
    made = {ranges.all[slot]: loaded(compilers[name], data) for slot, (name, data) in enumerate(state.compiled)}

    def prepare(_: Piece, compile_range: CompileRange) -> CompiledPiece:
        return made[compile_range]

    return PiecewiseFunction(piece, ranges=ranges, prepare=prepare)
