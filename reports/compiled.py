"""What each tower was compiled to, as rows with a bar: trace, pieces and residual sum to the monitored seconds.

Sums are made of whole steps of the rows' own resolution, so that the numbers that are shown add up as they are.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reports.accounts import LETTER
from reports.compile_schema import CompiledGraph
from reports.seconds import drawable
from reports.tables import Cell, place

WIDTH = 330.0
"""Width of the view box of one bar."""
ROW_LIMIT = 150
"""Rows that are shown; the rest is counted."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A stretch of a bar; `kind` is `trace`, `piece` or `residual`."""

    x: float
    width: float
    kind: str
    label: str
    title: str


@dataclass(frozen=True, kw_only=True)
class GraphRow:
    """One compiled graph: its numbers as text, its bar, and whether the counter agrees."""

    law: str
    graph: CompiledGraph
    slices: tuple[Slice, ...]
    counter_width: float
    trace: str
    in_pieces: str
    residual: str
    wall: str
    counted: str
    equal: bool
    """Whether the counter grew by the monitored seconds, as far as both are known."""
    beyond: bool
    """Whether the parts are longer than the whole, by more than rounding explains."""

    @property
    def words(self) -> str:
        """The bar as one sum."""
        return f"trace {self.trace} + pieces {self.in_pieces} + residual {self.residual} = {self.wall} s"


@dataclass(frozen=True, kw_only=True)
class CompiledGraphs:
    """The rows of each family, and how many were left out."""

    families: Mapping[str, tuple[GraphRow, ...]]
    left_out: int


def compiled(cells: Iterable[Cell]) -> CompiledGraphs | None:
    """The graphs that the laws of a run told of, each once a family and law; None if there is none."""
    found: defaultdict[str, dict[tuple[str, CompiledGraph], None]] = defaultdict(dict)
    for cell in cells:
        for law in cell.records:
            found[place(cell.family, cell.column)] |= dict.fromkeys((law.law, graph) for graph in law.graphs)
    graphs = {family: tuple(rows) for family, rows in sorted(found.items()) if rows}
    if not graphs:
        return None
    room, families = ROW_LIMIT, {}
    for family, rows in graphs.items():
        if room:
            families[family] = tuple(_rows(rows[:room]))
            room -= len(families[family])
    total = sum(map(len, graphs.values()))
    return CompiledGraphs(families=families, left_out=total - (ROW_LIMIT - room))


def _rows(rows: tuple[tuple[str, CompiledGraph], ...]) -> Iterator[GraphRow]:
    longest = max(_length(graph) for _, graph in rows)
    for law, graph in rows:
        yield _row(law, graph, WIDTH / longest if longest else 0.0)


def _length(graph: CompiledGraph) -> float:
    return max(drawable(graph.wall), drawable(graph.counted), drawable(graph.trace_seconds) + _in_pieces(graph))


def _in_pieces(graph: CompiledGraph) -> float:
    return sum(map(drawable, graph.piece_seconds))


def _row(law: str, graph: CompiledGraph, scale: float) -> GraphRow:
    steps = [_steps(value, graph) for value in (graph.wall, graph.trace_seconds, *graph.piece_seconds)]
    wall, trace, pieces = steps[0], steps[1], sum(steps[2:], 0.0)
    residual = wall - trace - pieces
    # Each of the numbers may be half a step off.
    slack = len(steps) / 2
    return GraphRow(
        law=law,
        graph=graph,
        slices=tuple(_slices(graph, scale, _text(residual, graph), residual * graph.resolution)),
        counter_width=drawable(graph.counted) * scale,
        trace=_text(trace, graph),
        in_pieces=_text(pieces, graph),
        residual=_text(residual, graph),
        wall=_text(wall, graph),
        counted=_text(_steps(graph.counted, graph), graph),
        equal=abs(_steps(graph.counted, graph) - wall) <= 1,
        beyond=not residual >= -slack,
    )


def _steps(seconds: float, graph: CompiledGraph) -> float:
    """Whole steps of the resolution."""
    steps = seconds / graph.resolution
    return float(round(steps)) if math.isfinite(steps) else steps


def _text(steps: float, graph: CompiledGraph) -> str:
    decimals = max(0, -math.floor(math.log10(graph.resolution) + 1e-9))
    value = steps * graph.resolution
    if math.isnan(value):
        return "NaN"
    shown = f"{value + 0.0:,.{decimals}f}" if abs(value) < 1e9 else f"{value:.3g}"
    return shown.replace("inf", "Inf").replace("-", "\N{MINUS SIGN}")


def _slices(graph: CompiledGraph, scale: float, residual: str, left: float) -> Iterator[Slice]:
    x = 0.0
    parts = [("trace", "trace", graph.trace_seconds, _text(_steps(graph.trace_seconds, graph), graph))]
    for number, seconds in enumerate(graph.piece_seconds):
        parts.append(("piece", f"piece {number}", seconds, _text(_steps(seconds, graph), graph)))
    for kind, name, seconds, text in [*parts, ("residual", "residual", left, residual)]:
        width = min(drawable(seconds) * scale, WIDTH - x)
        if width > 0:
            label = next((each for each in (f"{name} {text}", text) if len(each) * LETTER + 6 <= width), "")
            yield Slice(x=x, width=width, kind=kind, label=label, title=f"{name}: {text} s")
            x += width
