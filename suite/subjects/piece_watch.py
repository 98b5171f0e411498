"""Watching the reference's pieces from outside: what was made ready, how, and for which sizes it ran."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from torch import SymInt, Tensor, fx

from reference.compilation.piece_compilers import CompiledPiece, PieceCompiler
from reference.compilation.piecewise import PieceBuilder
from reference.compilation.ranges import CompileRange
from reference.compilation.splitting import Piece, example_inputs
from suite.contract.compiling import Origin, SeenPiece

_SYMBOL = re.compile(r"\b[usz]\d+\b")


@dataclass
class _Kept:
    """One piece that was made ready, and the sizes of the calls in which it ran."""

    piece: SeenPiece
    served: list[int] = field(default_factory=list)


class PieceWatch:
    """Everything that was seen of one start's pieces. Sizes are units of a call."""

    def __init__(self, *, rows_per_unit: int) -> None:
        self._rows_per_unit = rows_per_unit
        self._kept: list[_Kept] = []
        self._work: list[Origin] = []
        self.units = 0
        """Units of the call that is under way."""

    def pieces(self) -> tuple[SeenPiece, ...]:
        """All pieces, in the order in which they were made ready."""
        return tuple(replace(each.piece, served=tuple(each.served)) for each in self._kept)

    @contextmanager
    def building(self) -> Iterator[list[Origin]]:
        """Collects what compilers do while one piece is made ready."""
        outer, self._work = self._work, []
        try:
            yield self._work
        finally:
            self._work = outer

    def worked(self, origin: Origin) -> None:
        """A compiler compiled or loaded."""
        self._work.append(origin)

    def keep(self, piece: Piece, compile_range: CompileRange, origin: Origin, key: str, program: str) -> list[int]:
        """Notes a piece; the list that is given takes the sizes of its runs."""
        start, end = compile_range.start, compile_range.end
        seen = SeenPiece(
            index=piece.index,
            start=-(-start // self._rows_per_unit),
            end=None if end is None else end // self._rows_per_unit,
            origin=origin,
            key=key,
            program=program,
        )
        self._kept.append(_Kept(seen))
        return self._kept[-1].served


class WatchedCompiler:
    """A piece compiler whose work is noted."""

    def __init__(self, compiler: PieceCompiler, watch: PieceWatch) -> None:
        self._compiler = compiler
        self._watch = watch
        self.name = compiler.name

    def options(self) -> str:
        """As the compiler's."""
        return self._compiler.options()

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """As the compiler's."""
        self._watch.worked("compiled")
        return self._compiler.compile(graph, example_inputs, compile_range)

    def load(self, data: bytes) -> CompiledPiece:
        """As the compiler's; a load that fails is none."""
        made = self._compiler.load(data)
        self._watch.worked("loaded")
        return made


class WatchedBuilder(PieceBuilder):
    """A builder around another, whose results are noted, and whose pieces tell when they run."""

    def __init__(self, builder: PieceBuilder, watch: PieceWatch) -> None:
        self._builder = builder
        self._watch = watch
        self.compiler = builder.compiler

    def build(self, piece: Piece, compile_range: CompileRange) -> CompiledPiece:
        """As the builder's."""
        text = piece_text(piece.graph, compiler=self.compiler.name, options=self.compiler.options())
        key = self._builder.key(piece, compile_range) or ""
        with self._watch.building() as work:
            made = self._builder.build(piece, compile_range)
        origin: Origin = work[-1] if work else "shared" if key else "compiled"
        served = self._watch.keep(piece, compile_range, origin, key, text)

        def run(*args: object) -> object:
            served.append(self._watch.units)
            return made.run(*args)

        return replace(made, run=run)


def watched_builder(make: Callable[..., PieceBuilder], watch: PieceWatch) -> Callable[..., WatchedBuilder]:
    """A factory of watched builders in the place of a factory of builders."""
    return lambda *args, **kwargs: WatchedBuilder(make(*args, **kwargs), watch)


def watched_compilers(compilers: Mapping[str, PieceCompiler], watch: PieceWatch) -> dict[str, PieceCompiler]:
    """The compilers by name, watched."""
    return {name: WatchedCompiler(each, watch) for name, each in compilers.items()}


def piece_text(graph: fx.GraphModule, *, compiler: str, options: str) -> str:
    """Code, constants and example inputs of a piece, equal for equal pieces whatever their symbols are called."""
    numbers = {node: index for index, node in enumerate(graph.graph.nodes)}
    nodes = "; ".join(_node_text(node, numbers) for node in graph.graph.nodes)
    inputs = "; ".join(_value_text(value) for value in example_inputs(graph))
    names: dict[str, str] = {}
    text = _SYMBOL.sub(lambda found: names.setdefault(found.group(), f"size{len(names)}"), f"{inputs} | {nodes}")
    return f"{compiler} {options} | {text}"


def _node_text(node: fx.Node, numbers: Mapping[fx.Node, int]) -> str:
    if node.op == "placeholder":
        return "placeholder"
    arguments = fx.node.map_arg((node.args, node.kwargs), lambda each: f"%{numbers[each]}")
    target = node.target if isinstance(node.target, str) else getattr(node.target, "__qualname__", str(node.target))
    return f"{node.op} {target} {arguments}"


def _value_text(value: object) -> str:
    if isinstance(value, Tensor):
        sizes = f"{list(value.shape)} {list(value.stride())} {value.storage_offset()}"
        return f"{value.dtype} {sizes} {value.device} {value.requires_grad}"
    return f"symbol {value}" if isinstance(value, SymInt) else repr(value)
