"""The process that writes the records: everything that reaches it is on disk at once."""

from __future__ import annotations

import datetime
import json
import platform
import shlex
import time
import zlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import pytest
import torch

import reference
from reports.files import write_atomically
from reports.html import render
from reports.records import RecordWriter, read
from reports.summary import Summary, as_text, summarise
from suite.driver.catalogue import LAWS, Cell
from suite.driver.recording import Line, cell_fields, replacement_lines
from suite.session.nodes import PlantedFault, subject_of
from suite.session.own_tests import own_tests_of
from suite.session.request import Request
from suite.session.tools import TOOLS
from suite.session.worker import REPORT_ATTRIBUTE

SURVIVED = 11
"""Exit code: a planted fault survived, or fewer laws ran than expected."""
PACKAGES = ("torch", "transformers", "hypothesis", "pytest", "pytest-xdist", "pillow")


class Controller:
    """Header at the start, a line per result, a footer and the report at the end."""

    def __init__(self, config: pytest.Config, request: Request) -> None:
        self._config = config
        self._request = request
        self._started = time.monotonic()
        self._planned: set[str] = set()
        self._seen: set[str] = set()
        self._survivors: list[str] = []
        self._wrong = 0
        self._writer: RecordWriter | None = None
        self._summary: Summary | None = None

    # -- the run

    def pytest_sessionstart(self) -> None:
        """Ends the run at once, with a report that says so, if there is nothing to run on."""
        if self._request.gpu_is_missing:
            self._plan([])
            self._finish(int(pytest.ExitCode.USAGE_ERROR))
            pytest.exit(_NO_GPU, returncode=int(pytest.ExitCode.USAGE_ERROR))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without workers: the plan is what this process collected."""
        self._plan([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: Sequence[str]) -> None:
        """With workers: the plan is what the first of them collected."""
        if not self._planned:
            self._plan(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Writes the lines of a test, or that its process died; a known failure is not one."""
        for line in json.loads(getattr(report, REPORT_ATTRIBUTE, "[]")):
            self._seen.add(report.nodeid)
            self._wrong += line["kind"] == "law" and report.failed
            if line["kind"] == "fault" and not line["killed"]:
                self._survivors.append(line["fault"])
            self._append(line)
        if report.failed and report.nodeid not in self._seen:
            self._lost(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Decides the exit code, closes the records and builds the report."""
        status = int(exitstatus)
        if self._writer is not None:
            fewer = len(self._planned - self._seen)
            if status in (0, 1) and not self._wrong and (self._survivors or fewer):
                status = SURVIVED
                session.exitstatus = status
            self._finish(status)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says where the report is and what it says."""
        if self._summary is not None:
            terminalreporter.section("lockstep")
            terminalreporter.write_line(as_text(self._summary).rstrip())
            terminalreporter.write_line(f"report: {self._request.report_dir / 'index.html'}")

    def pytest_report_header(self) -> list[str]:
        """Effective options of the run, and what is left out for want of a tool."""
        request = self._request
        run = f"subject {request.subject}, device {request.device}, profile {request.profile.name}"
        families = ", ".join(dict.fromkeys((*request.families, *request.models)))
        lines = [f"lockstep: {run}, seed {request.seed}, families {families}"]
        missing = {name: lacking() for name, lacking in TOOLS.items()}
        return [*lines, *(f"lockstep: {name} tests are left out, no {what}" for name, what in missing.items() if what)]

    # -- what is written

    def _append(self, line: Line) -> None:
        if self._writer is not None:
            self._writer.append(line)
            self._keep_case(line)

    def _keep_case(self, line: Line) -> None:
        """Every violation leaves a case file beside the records."""
        violation = line.get("violation")
        if isinstance(violation, dict):
            path = self._request.report_dir / "cases" / f"{violation['id']}.json"
            write_atomically(path, json.dumps(violation["case"], indent=2) + "\n")

    def _plan(self, ids: Sequence[str]) -> None:
        """Opens the records with what should run; a run of other tests than laws writes none."""
        found = {node: subject_of(node) for node in ids}
        self._planned = {node for node, what in found.items() if what is not None}
        laws = [what for what in found.values() if isinstance(what, Cell)]
        faults = [what.id for what in found.values() if isinstance(what, PlantedFault)]
        if self._config.option.collectonly or not (laws or faults or self._request.gpu_is_missing):
            return
        if not self._request.narrowed:
            laws = [*laws, *_absent(laws, self._request)]
        self._writer = RecordWriter(self._request.report_dir / "records.jsonl", self._header())
        for line in self._notes():
            self._append(line)
        self._append({"kind": "plan", "laws": [_planned(cell) for cell in laws], "faults": faults})

    def _lost(self, report: pytest.TestReport) -> None:
        """A test without a record: its process ended (pytest-xdist's `when` is then "???"), or its set-up failed."""
        what = subject_of(report.nodeid)
        text = str(report.longrepr or "the process ended without a word").strip()
        died = str(report.when) == "???"
        if isinstance(what, Cell):
            self._seen.add(report.nodeid)
            self._wrong += 1
            self._append(_lost_cell(what, text, node=report.nodeid, died=died, options=self._request.options))
        elif isinstance(what, PlantedFault):
            self._survivors.append(what.id)

    def _finish(self, status: int) -> None:
        if self._writer is None:
            return
        wall = round(time.monotonic() - self._started, 3)
        self._writer.close({"kind": "footer", "exit_status": status, "wall_seconds": wall})
        self._summary = summarise(read(self._writer.path))
        write_atomically(self._request.report_dir / "index.html", render(self._summary))
        self._writer = None

    def _header(self) -> Line:
        request = self._request
        columns = request.columns()
        return {
            "kind": "header",
            "project": "lockstep",
            "version": reference.__version__,
            "subject": request.subject,
            "subject_version": columns[0].subject.version,
            "device": request.device,
            "profile": request.profile.name,
            "seed": request.seed,
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "command": shlex.join(["pytest", *self._config.invocation_params.args]),
            "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
            "platform": f"{platform.system()} {platform.machine()}",
            "threads": torch.get_num_threads(),
            "workers": getattr(self._config.option, "numprocesses", None) or 0,
            "routes": {column.name: column.text for column in columns},
            "replacements": replacement_lines(columns),
            "own_tests": own_tests_of(
                request.subject,
                release=columns[0].subject.version,
                folder=request.report_dir,
                shown=request.shown_dir,
            ),
        }

    def _notes(self) -> list[Line]:
        notes = []
        if self._request.device == "emulator":
            notes.append(("device", _EMULATED))
        if self._request.gpu_is_missing:
            notes.append(("device", _NO_GPU))
        if self._request.faults and self._request.profile.faults == "sample":
            notes.append(("faults", f"Profile {self._request.profile.name} plants a sample of the deliberate faults."))
        if self._request.narrowed:
            notes.append(("selection", "Only a part of the laws or families was asked for."))
        return [{"kind": "note", "topic": topic, "text": text} for topic, text in notes]


_EMULATED = (
    "Graphs were emulated on a CPU: kernel races, missing waits, the real allocator's layout, launch failures, "
    "compiled kernels inside a capture, and timing are not shown."
)
_NO_GPU = (
    "--device cuda was asked for, but torch.cuda.is_available() is False: no law ran. Run where a GPU and a CUDA "
    "build of torch are, or use --device emulator."
)


def _planned(cell: Cell) -> Line:
    return {"law": cell.law.id, "family": cell.family, "column": cell.column, "spec": list(cell.law.spec)}


def _absent(laws: Sequence[Cell], request: Request) -> list[Cell]:
    """Laws that exist but were not collected, although everything was asked for."""
    collected = {cell.law.id for cell in laws}
    return [Cell(law, (*request.families, *request.models)[0]) for law in LAWS.values() if law.id not in collected]


def _lost_cell(cell: Cell, text: str, *, node: str, died: bool, options: str) -> Line:
    line: Line = {
        "kind": "law",
        **cell_fields(cell),
        "verdict": "violated" if died else "unknown",
        "reason": text,
        "node": node,
    }
    if died:
        line["violation"] = {
            "id": f"{zlib.crc32(node.encode()):08x}",
            "expected": cell.law.statement,
            "actual": text,
            "because": "the subject ended the interpreter",
            "case": {"family": cell.family},
            "reproduce": [f'pytest "{node}"{options} -n 1'],
        }
    return line


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
