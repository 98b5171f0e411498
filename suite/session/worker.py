"""The process that runs tests: cells are checked, faults are planted, records ride on the test reports."""

from __future__ import annotations

import os
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reports.encoding import encode
from suite.contract.law import laws_of
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS, Cell, cells
from suite.driver.checking import Checked
from suite.driver.deviations import Deviation, deviation_line, expired_text, stale_text
from suite.driver.planting import Planted, fault_line, plant
from suite.driver.recording import Line, Place, inapplicable_line
from suite.faults.catalogue import FAULTS
from suite.session import nodes
from suite.session.bench import Bench
from suite.session.request import Request
from suite.session.tools import TOOLS

KNOWN = pytest.StashKey[str]()
"""Of a test whose law is violated as a deviation says: what the deviation says."""
LINES = pytest.StashKey[list[Line]]()
REPORT_ATTRIBUTE = "_lockstep_lines"


@dataclass(frozen=True)
class Held:
    """What a law test is given: call it to check the cell and fail the test if the law does not hold."""

    bench: Bench
    request: Request
    item: pytest.Item
    cell: Cell

    def __call__(self) -> None:
        """Checks, writes the record, and fails with the one text that every failure has."""
        reason = self.bench.inapplicable(self.cell)
        if reason is not None:
            self._write(inapplicable_line(self.cell, reason))
            return
        found = self.bench.check(self.cell, self._place)
        self._write(found.line)
        self._settle(found)

    def _settle(self, found: Checked) -> None:
        """A deviation that still shows is expected until its last day; one that does not any more is an error."""
        shown = self._of_deviations(found, Outcome.VIOLATED)
        stale = self._of_deviations(found, Outcome.HOLDS)
        expired = [each for each in shown if not each.excuses(self.request.today)]
        new = found.outcome is not Outcome.HOLDS and not found.known
        for each in stale:
            self._write(deviation_line(each, still_fails=False))
        if shown and not expired and not new:
            # A cell with a violation that nothing accepts is not known, whatever else shows in it.
            for each in shown:
                self._write(deviation_line(each, still_fails=True))
            self.item.stash[KNOWN] = "; ".join(f"known ({each.kind}): {each.reason}; {each.link}" for each in shown)
        if stale or expired or new:
            texts = [*map(stale_text, stale), *map(expired_text, expired), found.text]
            pytest.fail("\n".join(filter(None, texts)), pytrace=False)

    def _of_deviations(self, found: Checked, outcome: Outcome) -> list[Deviation]:
        """The cell's deviations of whose case that was found."""
        pairs = zip(self.bench.deviations(self.cell), found.witnesses, strict=False)
        return [deviation for deviation, seen in pairs if seen is outcome]

    def _write(self, line: Line) -> None:
        self.item.stash.setdefault(LINES, []).append(line)

    @property
    def _place(self) -> Place:
        return Place(
            node=self.item.nodeid,
            subject=self.request.subject,
            device=self.request.device,
            report_dir=self.request.shown_dir,
            worker=os.environ.get("PYTEST_XDIST_WORKER", "main"),
            options=self.request.options,
        )


class Worker:
    """Hooks and fixtures of every process that runs tests."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._bench = Bench(request)

    @pytest.fixture
    def held(self, request: pytest.FixtureRequest, cell: Cell) -> Held:
        """Checks the cell of this test."""
        return Held(self._bench, self._request, request.node, cell)

    @pytest.fixture
    def planted(self, request: pytest.FixtureRequest, fault_id: str) -> Planted:
        """What became of the fault of this test."""
        result = plant(FAULTS[fault_id], profile=self._request.profile, device=self._request.device)
        request.node.stash.setdefault(LINES, []).append(fault_line(result))
        return result

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test per cell of a topic, one per fault."""
        if "cell" in metafunc.fixturenames:
            marker = metafunc.definition.get_closest_marker("laws")
            if marker is None:
                raise pytest.UsageError(f"{metafunc.definition.nodeid} takes a cell but has no `laws` marker")
            asked = self._request
            topic = laws_of(marker.args[0])
            found = cells(topic, families=asked.families, models=asked.models, columns=self._bench.columns)
            metafunc.parametrize("cell", found, ids=[cell.id for cell in found])
        if "fault_id" in metafunc.fixturenames:
            metafunc.parametrize("fault_id", self._request.faults, ids=self._request.faults)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Without faults to plant there is no file of faults, and no file of laws that none of the families has."""
        asked, topic = self._request, collection_path.stem.removeprefix("test_")
        if topic == nodes.FAULTS:
            return None if asked.faults else True
        laws = [law for law in LAWS.values() if law.topic == topic]
        found = cells(laws, families=asked.families, models=asked.models, columns=self._bench.columns)
        return True if laws and not found else None

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keeps this shard's tests whose tools are on this machine."""
        kept = [item for item in items if self._is_mine(item)]
        if len(kept) < len(items):
            config.hook.pytest_deselected(items=[item for item in items if item not in kept])
            items[:] = kept

    def _is_mine(self, item: pytest.Item) -> bool:
        """By a hash of the id, so that a new test moves no other to another shard."""
        part, parts = self._request.shard
        runs_here = all(item.get_closest_marker(name) is None or lacking() is None for name, lacking in TOOLS.items())
        return runs_here and zlib.crc32(item.nodeid.encode()) % parts == part - 1

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Puts the lines of a test on its report as one string: nothing else survives the way between processes."""
        report = yield
        if KNOWN in item.stash and report.when == "call" and report.passed:
            # What pytest shows of an expected failure: counted, listed with its reason, and not red.
            report.outcome = "skipped"
            report.wasxfail = item.stash[KNOWN]
        lines = item.stash.get(LINES, [])
        if report.when == "call" and lines:
            setattr(report, REPORT_ATTRIBUTE, encode(lines))
        return report
