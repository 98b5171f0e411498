"""What the trace is told of one program's pieces, made now or come from disk with the whole program (SPEC L2, L3)."""

from __future__ import annotations

from collections.abc import Sequence

from reference.compilation.piecewise import PiecewiseFunction
from reference.compilation.ranges import CompileRange
from reference.compilation.splitting import Piece
from reference.compilation.structured_log import CompileStart, StructuredLog, is_capture_size


class PieceLog:
    """Tells of the pieces of one program; splitting operations have a graph and no compile."""

    def __init__(
        self,
        structured: StructuredLog,
        *,
        pieces: Sequence[Piece],
        capture_sizes: Sequence[int],
        component: str,
        class_name: str,
    ) -> None:
        self._structured = structured
        self._pieces = tuple(pieces)
        self._capture_sizes = tuple(capture_sizes)
        self._component = component
        self._class_name = class_name
        compiled = [piece.index for piece in pieces if not piece.is_splitting]
        self._numbers = {index: number for number, index in enumerate(compiled)}

    def graphs(self) -> None:
        """One dump per sub-graph."""
        for piece in self._pieces:
            self._structured.log_graph(piece.index, piece.graph)

    def start(self, piece: Piece, compile_range: CompileRange, *, is_loaded_whole: bool = False) -> None:
        """One piece is made ready for one range."""
        self._structured.log_compile_start(
            CompileStart(
                piecewise_index=self._numbers[piece.index],
                submod_name=piece.submod_name,
                total_piecewise_compiles=len(self._numbers),
                compile_range_start=compile_range.start,
                compile_range_end=compile_range.end,
                is_single_size=compile_range.is_single_size,
                is_cudagraph_capture_size=is_capture_size(compile_range, self._capture_sizes),
                component=self._component,
                class_name=self._class_name,
                is_loaded_whole=is_loaded_whole,
            )
        )

    def loaded(self, functions: Sequence[PiecewiseFunction]) -> None:
        """A whole program came from disk: what its trace once told is told again, as a load (BUG-L03)."""
        self.graphs()
        for function in functions:
            for compile_range in () if function.piece.is_splitting else function.ranges.all:
                self.start(function.piece, compile_range, is_loaded_whole=True)
