"""What the invented run says of compiling: a ledger in which seconds are counted twice, and compiled towers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reports.compile_schema import CompiledGraph, LedgerAccount, LedgerEntry, LedgerSheet
from reports.schema import Violation

INNER = "worker 0, thread 0: encoder, ahead of time, inside the language model's"
OUTER = "worker 0, thread 0: language model, just in time"

DOUBLE = LedgerSheet(
    title="Two workers, one thread each; an encoder is compiled while the language model is.",
    wall=9.0,
    entries=(
        LedgerEntry(place=OUTER, component="language_model", start=1.0, end=6.0, own=3.0, said=5.0, also=INNER),
        LedgerEntry(place=INNER, component="encoder", start=2.5, end=4.5, own=2.0, said=2.0),
        LedgerEntry(
            place="worker 1, thread 1: encoder, load that fails",
            component="encoder",
            worker=1,
            thread=1,
            start=0.5,
            end=1.25,
            own=0.0,
        ),
        LedgerEntry(
            place="worker 1, thread 1: encoder, ahead of time",
            component="encoder",
            worker=1,
            thread=1,
            start=1.25,
            end=3.250125,
            own=2.000125,
            said=2.000125,
        ),
    ),
    accounts=(
        LedgerAccount(component="encoder", expected=2.0, counted=2.0),
        LedgerAccount(component="language_model", expected=3.0, counted=5.0),
        LedgerAccount(component="encoder", worker=1, expected=2.000125, counted=2.000125),
    ),
)
"""The seconds of the inner compile are in both counters of worker 0."""


def _graph(family: str, **changes: object) -> CompiledGraph:
    values: dict[str, object] = {
        "program": f"{family} vision tower",
        "backend": "inductor",
        "component": "encoder",
        "pieces": 3,
        "ranges": "[0, 64], [65, open]",
        "traced": 1,
        "compiled": 4,
        "shared": 2,
        "wall": 14.2,
        "trace_seconds": 2.31,
        "piece_seconds": (3.92, 0.41, 4.85, 0.36),
        "counted": 14.2,
    }
    return CompiledGraph(**{**values, **changes})  # type: ignore[arg-type]  # fields are changed by name


GRAPHS: Mapping[str, tuple[CompiledGraph, ...]] = {
    "internvl": (_graph("internvl", wall=14.2, counted=28.4),),
    "qwen2.5-vl": (
        _graph("qwen2.5-vl"),
        _graph("qwen2.5-vl", backend="aot_eager", wall=1.5, trace_seconds=0.4, piece_seconds=(0.85,), counted=1.5),
        _graph(
            "qwen2.5-vl", traced=0, compiled=0, loaded=6, shared=0, wall=0.31, counted=0.31,
            trace_seconds=0.0, piece_seconds=(),
        ),
    ),
    "qwen3-vl": (_graph("qwen3-vl", program="qwen3-vl <merger> & tower", piece_seconds=(3.0, 3.1), pieces=1),),
}  # fmt: skip
"""Three families: one whose counter says twice what was monitored, one cold and warm, one with a name to escape."""


def with_ledger(violation: Violation) -> Violation:
    """The violation with the ledger of its seconds."""
    actual = "worker 0, language_model: 5 s"
    return replace(violation, expected="worker 0, language_model: 3 s", actual=actual, ledger=DOUBLE)
