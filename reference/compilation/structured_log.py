"""What torch's structured trace says about pieces, for TORCH_TRACE and tlparse (SPEC L1-L3). Observation only."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

from torch import fx
from torch._dynamo import utils as dynamo_utils
from torch._logging._internal import trace_structured

from reference.compilation.ranges import CompileRange

Label = Callable[[str], AbstractContextManager[Any]]
"""Names a stretch of time in torch's compile trace."""


def torch_label(name: str) -> AbstractContextManager[Any]:
    """A stretch under torch's `dynamo_timed`; if torch withdraws that, a stretch without a name (SPEC L1)."""
    timed = getattr(dynamo_utils, "dynamo_timed", None)
    return nullcontext() if timed is None else timed(name)


@dataclass(frozen=True, kw_only=True)
class CompileStart:
    """One piece is about to be made ready for one range; the names are those in the trace (SPEC L2)."""

    piecewise_index: int
    """Among the pieces that are compiled, from 0."""
    submod_name: str
    total_piecewise_compiles: int
    compile_range_start: int
    compile_range_end: int | None
    """None: the range is open."""
    is_single_size: bool
    is_cudagraph_capture_size: bool
    component: str
    class_name: str
    is_loaded_whole: bool = False
    """Whether the piece came from disk with its whole program, which is loaded without a trace (BUG-L03)."""


class StructuredLog:
    """Writes artifacts whose names begin with a prefix; without a trace it costs one look at a logger."""

    def __init__(self, prefix: str, *, label: Label = torch_label) -> None:
        self.prefix = prefix
        self.label = label

    def log_compile_start(self, start: CompileStart) -> None:
        """One `<prefix>_piecewise_compile_start` artifact, in JSON."""
        with self.label(f"{self.prefix}_log_compile_start"):
            self._artifact(
                f"{self.prefix}_piecewise_compile_start", "json", lambda: json.dumps(asdict(start), sort_keys=True)
            )

    def log_graph(self, index: int, graph: fx.GraphModule) -> None:
        """The code of one sub-graph as `<prefix>_piecewise_graph_<index>`."""
        with self.label(f"{self.prefix}_log_compile_start"):
            self._artifact(
                f"{self.prefix}_piecewise_graph_{index}",
                "string",
                lambda: str(graph.print_readable(print_output=False)),
            )

    def _artifact(self, name: str, encoding: str, payload: Callable[[], str]) -> None:
        trace_structured("artifact", metadata_fn=lambda: {"name": name, "encoding": encoding}, payload_fn=payload)


def is_capture_size(compile_range: CompileRange, sizes: tuple[int, ...]) -> bool:
    """Whether a range is exactly one size at which a graph will be captured."""
    return compile_range.is_single_size and compile_range.start in sizes
