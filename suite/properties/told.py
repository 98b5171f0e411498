"""What a subject's log says of compiling, read from its lines (SPEC T2 to T4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from suite.contract.compiling import CompileFacts
from suite.contract.program import Start
from suite.contract.verdict import CompiledGraph

_SECONDS = r"(\d+\.\d\d) s"
_TOTAL = re.compile(rf"took {_SECONDS} in total")
_TRANSFORM = re.compile(rf"Dynamo bytecode transform time: {_SECONDS}")
_RANGE = re.compile(rf"Compiling a graph for compile range .+ takes {_SECONDS}")
ROUNDED = 0.005
"""Seconds that a line of two decimals may be off."""


@dataclass(frozen=True)
class Told:
    """Seconds by kind of line, in the order of the lines."""

    totals: tuple[float, ...]
    """Of the monitor."""
    transforms: tuple[float, ...]
    """Of Dynamo, for each graph."""
    ranges: tuple[float, ...]
    """Of each range of sizes that was made ready."""


def told(facts: CompileFacts) -> Told:
    """All seconds that were logged."""
    kinds = (_TOTAL, _TRANSFORM, _RANGE)
    return Told(*(tuple(float(hit[1]) for line in facts.messages if (hit := kind.search(line))) for kind in kinds))


def compiled_graphs(start: Start, facts: CompileFacts) -> tuple[CompiledGraph, ...]:
    """The program of a start as reports show it; nothing if nothing was traced or loaded."""
    if not facts.traced and not facts.loaded_whole:
        return ()
    lines = told(facts)
    origins = [piece.origin for piece in facts.pieces]
    spans = sorted({(piece.start, piece.end) for piece in facts.pieces}, key=lambda span: span[0])
    of_encoder = start.setup.component == "encoder"
    return (
        CompiledGraph(
            str(start.program),
            backend=start.setup.backend,
            component=start.setup.component,
            pieces=len({piece.index for piece in facts.pieces}),
            ranges=", ".join(f"[{first}, {'open' if last is None else last}]" for first, last in spans),
            traced=facts.traced,
            compiled=origins.count("compiled"),
            loaded=origins.count("loaded"),
            shared=origins.count("shared"),
            wall=sum(lines.totals),
            trace_seconds=sum(lines.transforms),
            piece_seconds=lines.ranges,
            counted=facts.encoder_seconds if of_encoder else facts.language_model_seconds,
        ),
    )
