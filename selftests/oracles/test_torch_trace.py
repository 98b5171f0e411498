"""Torch's trace as it is recorded here, as its files are read, and as the tool for it reads them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch._dynamo.utils import dynamo_timed
from torch._logging._internal import trace_structured

from suite.oracles.torch_trace import TRACE_LOGGER, read_folder, recorded, unrecorded

PARSER = Path(sys.executable).with_name("tlparse")
LOGGER = logging.getLogger(TRACE_LOGGER)
PROGRAM = """
import sys, tempfile
from pathlib import Path
from suite.contract.program import Call, CompileSetup, ProgramSpec, Start
from suite.driver.ticket import columns_of
from suite.oracles.programs import Twin
subject = columns_of("reference", device="emulator")[0].subject
start = Start(ProgramSpec("seams"), CompileSetup(split=True, ranges=(4,)), (Call((3,)), Call((7,))))
with tempfile.TemporaryDirectory() as folder:
    program = subject.start_program("toy", start, Path(folder))
    for call in start.calls:
        program.run(Twin("toy", start.program).inputs(call))
    program.close()
"""


def _write(name: str) -> None:
    trace_structured(
        "artifact", metadata_fn=lambda: {"name": name, "encoding": "json"}, payload_fn=lambda: '{"is": "text"}'
    )


def test_artifacts_and_spans_are_recorded_in_order() -> None:
    """A stretch holds what was written in it, and its seconds are those between its lines."""
    with recorded() as trace:
        _write("ours_before")
        with dynamo_timed("ours_outer"):
            with dynamo_timed("ours_label"):
                _write("ours_within")
            _write("theirs_within")
    before, within = trace.artifacts("ours_")
    (span,), (outer,) = trace.spans("ours_label"), trace.spans("ours_outer")
    assert (before.name, within.table()) == ("ours_before", {"is": "text"})
    assert span.holds(within.place)
    assert not span.holds(before.place)
    assert outer.start <= span.start <= span.start + span.duration <= outer.start + outer.duration
    assert {"ours_before", "theirs_within", "chromium_event"} <= trace.names()


def test_an_artifact_that_is_no_table_is_an_empty_one() -> None:
    """Laws about fields then find none."""
    with recorded() as trace:
        trace_structured("artifact", metadata_fn=lambda: {"name": "ours", "encoding": "string"}, payload_fn=lambda: "x")
    assert trace.artifacts("ours")[0].table() == {}


def test_the_logger_is_as_it_was() -> None:
    """Whatever happens in the block."""
    before = list(LOGGER.handlers), LOGGER.level, LOGGER.propagate
    with pytest.raises(RuntimeError, match="planted"), recorded():
        raise RuntimeError("planted")
    assert (list(LOGGER.handlers), LOGGER.level, LOGGER.propagate) == before


def test_nothing_is_told_while_the_trace_is_off() -> None:
    """Test runners listen to loggers that pass nothing on; then torch writes its trace."""
    heard: list[str] = []
    with recorded() as trace, unrecorded():
        trace_structured("artifact", metadata_fn=lambda: {"name": "ours"}, payload_fn=lambda: heard.append("asked"))
    assert not heard
    assert not trace.lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process of its own leaves in its TORCH_TRACE folder."""
    place = tmp_path_factory.mktemp("trace")
    environment = {**os.environ, "TORCH_TRACE": str(place)}
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, timeout=300)
    return place


def test_the_files_of_a_process_tell_the_same(folder: Path) -> None:
    """Artifacts of each range, dumps of each sub-graph, and a label around each."""
    trace = read_folder(folder)
    starts = [each for each in trace.artifacts("lockstep_") if each.name == "lockstep_piecewise_compile_start"]
    assert [each.table()["compile_range_end"] for each in starts] == [4, 4, 4, None, None, None]
    assert {each.table()["component"] for each in starts} == {"encoder"}
    dumps = [each.name for each in trace.artifacts("lockstep_piecewise_graph_")]
    assert dumps == [f"lockstep_piecewise_graph_{number}" for number in range(5)]
    spans = trace.spans("lockstep_log_compile_start")
    written = [*starts, *trace.artifacts("lockstep_piecewise_graph_")]
    assert len(spans) == len(written)
    assert all(any(span.holds(each.place) for span in spans) for each in written)


def test_a_line_of_something_else_is_refused(tmp_path: Path) -> None:
    """A log is not a trace."""
    (tmp_path / "one.log").write_text("hello\n")
    with pytest.raises(ValueError, match="not a line of a trace: 'hello'"):
        read_folder(tmp_path)


def test_the_tool_for_traces_shows_the_artifacts(folder: Path, tmp_path: Path) -> None:
    """Strictly parsed, every line; the report has a file for each artifact, under the compile that it belongs to."""
    (log,) = folder.glob("*.log")
    command = [str(PARSER), "--strict", "--no-browser", "-o", str(tmp_path / "report"), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    report = tmp_path / "report"
    names = [path.name for path in report.rglob("lockstep_piecewise_*")]
    assert len([name for name in names if "compile_start" in name]) == 6
    assert len([name for name in names if "graph" in name]) == 5
    assert {path.parent.name for path in report.rglob("lockstep_piecewise_*")} == {"-_0_0_0"}
    assert "lockstep_log_compile_start" in (report / "chromium_events.json").read_text()
