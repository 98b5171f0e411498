"""What the back end logs, times and writes into torch's structured trace (SPEC T4, L1-L3)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._logging._internal import TorchLogsFormatter

from reference.compilation.backend import BackendParts
from reference.compilation.config import CompilationConfig, ConfigError
from reference.compilation.piece_compilers import EagerCompiler
from reference.compilation.structured_log import StructuredLog, torch_label
from selftests.reference.traced import SEAM, backend, compiled, forget, fresh_dynamo, messages, rows

LOGGER = "reference.compilation.backend"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with fresh_dynamo():
        yield


def _function(x: Tensor) -> Tensor:
    return (x + 1).softmax(-1) * 2


def test_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Dynamo's seconds once per graph; each range once, with the seconds of all its pieces."""
    caplog.set_level(logging.INFO, LOGGER)
    ticks = count()
    parts = BackendParts(transform_seconds=lambda: 1.5)
    through = backend(splitting_ops=SEAM, compile_ranges_endpoints=(8,), clock=lambda: 2.0 * next(ticks), parts=parts)
    program = compiled(_function, through)
    for size in (5, 6, 9):
        program(rows(size))
    assert messages(caplog, logging.INFO) == [
        "Dynamo bytecode transform time: 1.50 s",
        "Compiling a graph for compile range [0, 8] takes 4.00 s",
        "Compiling a graph for compile range [9, open] takes 4.00 s",
    ]
    assert through.config.compilation_time == through.config.encoder_compilation_time == 0.0


def test_dynamos_seconds_are_those_since_its_start(caplog: pytest.LogCaptureFixture) -> None:
    """Longer than nothing, and not longer than the test."""
    caplog.set_level(logging.INFO, LOGGER)
    seen: list[float] = []
    measured = BackendParts().transform_seconds

    def noted() -> float:
        seen.append(measured())
        return seen[-1]

    compiled(_function, backend(parts=BackendParts(transform_seconds=noted)))(rows(5))
    assert 0.0 < seen[0] < 60.0
    assert measured() == 0.0


def test_an_unknown_piece_compiler_is_refused() -> None:
    """With the ones that were given."""
    with pytest.raises(ConfigError, match="backend='inductor' is not a piece compiler: give one of eager"):
        backend("inductor", compilers={"eager": EagerCompiler()})


# -- the structured trace


class _Artifacts(logging.Handler):
    """Torch's own trace lines, formatted by torch."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(TorchLogsFormatter(trace=True))
        self.found: list[tuple[dict[str, Any], str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """A line of JSON, and the payload below it."""
        text = self.format(record)
        head, _, payload = text[text.index("{") :].partition("\n")
        self.found.append((json.loads(head), "\n".join(line.lstrip("\t") for line in payload.splitlines())))

    def named(self, prefix: str) -> list[tuple[dict[str, Any], str]]:
        """Artifacts whose names begin so."""
        return [
            (head, payload)
            for head, payload in self.found
            if head.get("artifact", {}).get("name", "").startswith(prefix)
        ]


@contextmanager
def _trace() -> Iterator[_Artifacts]:
    """Torch's trace is on within it."""
    log = logging.getLogger("torch.__trace")
    handler = _Artifacts()
    log.addHandler(handler)
    try:
        yield handler
    finally:
        log.removeHandler(handler)


def test_one_artifact_per_piece_and_range() -> None:
    """With all facts, in JSON, under Dynamo's own compile; splitting operations are not compiled."""
    through = backend(
        splitting_ops=SEAM, compile_ranges_endpoints=(4, 5, 8), cudagraph_capture_sizes=(5, 8), trace_prefix="mine"
    )
    program = compiled(_function, through)
    with _trace() as trace:
        for size in (5, 6, 8):
            program(rows(size))
    starts = trace.named("mine_piecewise_compile_start")
    assert [head["artifact"]["encoding"] for head, _ in starts] == ["json"] * 4
    assert {(head["frame_id"], head["frame_compile_id"]) for head, _ in starts} == {(0, 0)}
    common = {
        "total_piecewise_compiles": 2,
        "component": "encoder",
        "class_name": "Small",
        "is_loaded_whole": False,
    }
    pieces = [{"piecewise_index": 0, "submod_name": "submod_0"}, {"piecewise_index": 1, "submod_name": "submod_2"}]
    single = {"compile_range_start": 5, "compile_range_end": 5, "is_single_size": True}
    wider = {"compile_range_start": 6, "compile_range_end": 8, "is_single_size": False}
    assert [json.loads(payload) for _, payload in starts] == [
        {**common, **piece, **sizes, "is_cudagraph_capture_size": sizes is single}
        for sizes in (single, wider)
        for piece in pieces
    ]


def test_an_open_range_ends_nowhere() -> None:
    """Its end is null; the language model's artifacts say what they are."""
    with _trace() as trace:
        compiled(_function, backend(component="language_model"))(rows(5))
    ((_, payload),) = trace.named("lockstep_piecewise_compile_start")
    facts = json.loads(payload)
    assert (facts["compile_range_start"], facts["compile_range_end"]) == (0, None)
    assert facts["component"] == "language_model"


def test_one_graph_per_piece() -> None:
    """Each with its code, by its number."""
    with _trace() as trace:
        compiled(_function, backend(splitting_ops=SEAM))(rows(5))
    graphs = trace.named("lockstep_piecewise_graph_")
    assert [head["artifact"]["name"] for head, _ in graphs] == [
        f"lockstep_piecewise_graph_{index}" for index in range(3)
    ]
    assert ["softmax(" in code for _, code in graphs] == [False, True, False]


def test_the_cost_of_logging_has_a_label() -> None:
    """Torch's trace has a span of that name for each thing that is logged (BUG-L01)."""
    with _trace() as trace:
        compiled(_function, backend(splitting_ops=SEAM, trace_prefix="mine"))(rows(5))
    spans = [json.loads(payload) for head, payload in trace.found if "chromium_event" in head]
    kinds = [span["ph"] for span in spans if span["name"] == "mine_log_compile_start"]
    assert kinds == ["B", "E"] * (3 + 2)


def test_without_dynamo_timed_only_the_label_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """If torch withdraws it."""
    monkeypatch.delattr("torch._dynamo.utils.dynamo_timed")
    with torch_label("anything"), _trace() as trace:
        StructuredLog("mine").log_graph(0, torch.fx.symbolic_trace(_function))
    assert len(trace.named("mine_piecewise_graph_0")) == 1


def test_a_trace_changes_nothing(tmp_path: Path) -> None:
    """Outputs, counters and cache are those of a run without (SPEC L3)."""
    found = []
    for name in ("without", "with"):
        forget()
        through = backend("aot_eager", root=tmp_path / name, splitting_ops=SEAM, compile_ranges_endpoints=(8,))
        program = compiled(_function, through)
        with _trace() if name == "with" else io.StringIO():
            outputs = [program(rows(size)) for size in (5, 9)]
        keys = sorted(path.name for path in (tmp_path / name / "encoder-Small").iterdir())
        found.append((outputs, through.counter.snapshot(), keys))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=0, atol=0)
    assert found[0][1:] == found[1][1:]


def test_warm_starts_write_the_same_artifacts(tmp_path: Path) -> None:
    """Loaded pieces are told like compiled ones (BUG-L03)."""
    names = []
    for _ in range(2):
        forget()
        with _trace() as trace:
            compiled(_function, backend("aot_eager", root=tmp_path, splitting_ops=SEAM))(rows(5))
        names.append([head["artifact"]["name"] for head, _ in trace.named("lockstep_")])
    assert names[0] == names[1]


def test_the_configuration_is_not_written_to() -> None:
    """A back end may be made from it any number of times."""
    config = CompilationConfig(backend="eager", splitting_ops=SEAM)
    before = config.compute_hash()
    compiled(_function, backend("eager", splitting_ops=SEAM))(rows(5))
    assert config.compute_hash() == before
