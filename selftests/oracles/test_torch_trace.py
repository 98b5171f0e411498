"""Torch's trace as it is recorded here, as its files are read, and as the tool for it reads them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections import Counter
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
calls = (Call((3,)), Call((7,)))
start = Start(ProgramSpec("seams"), CompileSetup(split=True, ranges=(4,), aot={aot}), calls)
with tempfile.TemporaryDirectory() as folder:
    for _ in range({starts}):
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


def _trace_of(place: Path, *, aot: bool, starts: int) -> Path:
    environment = {**os.environ, "TORCH_TRACE": str(place)}
    program = PROGRAM.format(aot=aot, starts=starts)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, timeout=300)
    return place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process of its own leaves in its TORCH_TRACE folder."""
    return _trace_of(tmp_path_factory.mktemp("trace"), aot=False, starts=1)


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


def _report(folder: Path, report: Path) -> Path:
    """What the tool makes of a trace."""
    (log,) = folder.glob("*.log")
    command = [str(PARSER), "--strict", "--no-browser", "-o", str(report), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return report


def test_the_tool_for_traces_shows_a_cold_start_and_a_load(tmp_path: Path) -> None:
    """Ahead of time and then loaded whole: as many artifacts of each, under a number of its own (BUG-L03)."""
    folder = tmp_path / "trace"
    folder.mkdir()
    report = _report(_trace_of(folder, aot=True, starts=2), tmp_path / "report")
    starts = list(report.rglob("lockstep_piecewise_compile_start*"))
    told = Counter(json.loads(path.read_text())["is_loaded_whole"] for path in starts)
    assert told == {False: 6, True: 6}
    assert all(not path.parent.name.endswith("-_-_-_") for path in starts)


def test_the_tool_for_traces_shows_the_artifacts(folder: Path, tmp_path: Path) -> None:
    """Strictly parsed, every line; the report has a file for each artifact, under the compile that it belongs to."""
    report = _report(folder, tmp_path / "report")
    names = [path.name for path in report.rglob("lockstep_piecewise_*")]
    assert len([name for name in names if "compile_start" in name]) == 6
    assert len([name for name in names if "graph" in name]) == 5
    assert {path.parent.name for path in report.rglob("lockstep_piecewise_*")} == {"-_0_0_0"}
    assert "lockstep_log_compile_start" in (report / "chromium_events.json").read_text()
