"""Faults of the structured trace: costs without a label, artifacts that say something else, and a trace that acts."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace

from torch import fx

from reference.compilation.aot import TorchTracer
from reference.compilation.backend import PiecewiseBackend
from reference.compilation.compiled_forward import Program
from reference.compilation.piece_compilers import CompiledPiece
from reference.compilation.piecewise import PieceBuilder
from reference.compilation.structured_log import CompileStart, StructuredLog
from suite.faults import injection
from suite.faults.fault import Fault


def _unlabelled(prefix: str) -> StructuredLog:
    """Writes under no label."""
    return StructuredLog(prefix, label=lambda _: nullcontext())


class _LabelledTooEarly(StructuredLog):
    """The labelled stretch is over when the artifact is written."""

    def log_compile_start(self, start: CompileStart) -> None:
        with self.label(f"{self.prefix}_log_compile_start"):
            name = f"{self.prefix}_piecewise_compile_start"
        self._artifact(name, "json", lambda: json.dumps(asdict(start), sort_keys=True))


class _Forgetful(StructuredLog):
    """Leaves out a field."""

    def _artifact(self, name: str, encoding: str, payload: Callable[[], str]) -> None:
        if encoding != "json":
            return super()._artifact(name, encoding, payload)
        told = json.loads(payload())
        told.pop("is_single_size")
        return super()._artifact(name, encoding, lambda: json.dumps(told))


class _CountsFromOne(StructuredLog):
    """Numbers the pieces from 1."""

    def log_compile_start(self, start: CompileStart) -> None:
        super().log_compile_start(replace(start, piecewise_index=start.piecewise_index + 1))


class _Twice(StructuredLog):
    """Tells everything once more."""

    def log_compile_start(self, start: CompileStart) -> None:
        super().log_compile_start(start)
        super().log_compile_start(start)


class _OneComponent(StructuredLog):
    """Tells every compile as a language model's."""

    def log_compile_start(self, start: CompileStart) -> None:
        super().log_compile_start(replace(start, component="language_model"))


class _SkipsEager(StructuredLog):
    """Leaves out every second graph, which is where splitting operations are."""

    def log_graph(self, index: int, graph: fx.GraphModule) -> None:
        if index % 2 == 0:
            super().log_graph(index, graph)


class _SilentAhead(TorchTracer):
    """Writes no artifact of what is compiled ahead of time."""

    def backend(self) -> Callable[..., object]:
        made = super().backend()
        if isinstance(made, PiecewiseBackend) and self.target.config.aot_compile:
            made.structured = _Mute(made.structured.prefix)
        return made


class _SilentLoads(TorchTracer):
    """Writes no artifact of a program that comes from disk whole."""

    def tell_loaded(self, program: Program) -> None:
        return


class _NoLoads(StructuredLog):
    """Tells of what is loaded as of what is compiled."""

    def log_compile_start(self, start: CompileStart) -> None:
        super().log_compile_start(replace(start, is_loaded_whole=False))


class _Mute(StructuredLog):
    """Writes nothing."""

    def _artifact(self, name: str, encoding: str, payload: Callable[[], str]) -> None:
        return


class _CompilesForTheTrace(PieceBuilder):
    """Does not load what it wants to see compiled in the trace."""

    def load(self, key: str) -> CompiledPiece | None:
        return None if logging.getLogger("torch.__trace").handlers else super().load(key)


_LABEL = "trace/label-covers-the-writing"
_ARTIFACTS = "trace/one-artifact-per-range"

FAULTS = (
    Fault(
        id="trace/no-label",
        breaks="the time of writing the trace has no label in it",
        caught_by=(_LABEL,),
        parts=injection.piecewise(structured=_unlabelled),
        source="BUG-L01",
        sampled=True,
    ),
    Fault(
        id="trace/label-is-over-too-early",
        breaks="the artifact is written after its label has ended",
        caught_by=(_LABEL,),
        parts=injection.piecewise(structured=_LabelledTooEarly),
        source="BUG-L06",
    ),
    Fault(
        id="trace/field-is-missing",
        breaks="artifacts do not say whether a range is one size",
        caught_by=(_ARTIFACTS,),
        parts=injection.piecewise(structured=_Forgetful),
    ),
    Fault(
        id="trace/pieces-count-from-one",
        breaks="artifacts number pieces from 1",
        caught_by=(_ARTIFACTS,),
        parts=injection.piecewise(structured=_CountsFromOne),
    ),
    Fault(
        id="trace/told-twice",
        breaks="every range has two artifacts",
        caught_by=(_ARTIFACTS, _LABEL),
        parts=injection.piecewise(structured=_Twice),
    ),
    Fault(
        id="trace/one-component",
        breaks="an encoder's artifacts say that they are a language model's",
        caught_by=("trace/components-are-told-apart",),
        parts=injection.piecewise(structured=_OneComponent),
        source="BUG-C08",
    ),
    Fault(
        id="trace/eager-graphs-are-missing",
        breaks="the graphs of splitting operations are not dumped",
        caught_by=("trace/one-graph-per-sub-graph",),
        parts=injection.piecewise(structured=_SkipsEager),
    ),
    Fault(
        id="trace/silent-ahead-of-time",
        breaks="what is compiled ahead of time leaves no artifact",
        caught_by=("trace/cold-and-warm-tell-the-same",),
        parts=injection.compilation(tracer=_SilentAhead),
        source="BUG-L03",
    ),
    Fault(
        id="trace/silent-warm",
        breaks="a warm start that loads its whole program leaves no artifact",
        caught_by=("trace/cold-and-warm-tell-the-same",),
        parts=injection.compilation(tracer=_SilentLoads),
        source="BUG-L03",
    ),
    Fault(
        id="trace/loads-look-like-compiles",
        breaks="the artifacts of a program that is loaded whole do not say that it was",
        caught_by=("trace/cold-and-warm-tell-the-same",),
        parts=injection.piecewise(structured=_NoLoads),
    ),
    Fault(
        id="trace/loads-nothing-while-traced",
        breaks="while the trace is on, nothing is loaded from the cache",
        caught_by=("trace/observation-only",),
        parts=injection.piecewise(builder=_CompilesForTheTrace),
    ),
)
