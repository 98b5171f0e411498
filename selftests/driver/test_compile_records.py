"""What a law tells of compiling goes into its record: the ledger with the violation, the graphs with any verdict."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import pytest

from reports.compile_schema import CompiledGraph as GraphLine
from reports.encoding import decode, encode
from reports.schema import Law as LawLine
from reports.validation import parse
from selftests.contract.invented import CASE
from selftests.driver.hunting import WRONG, hunt
from selftests.driver.test_tickets import CELL, PLACE
from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.verdict import (
    CompiledGraph,
    Evidence,
    LedgerAccount,
    LedgerEntry,
    LedgerSheet,
    Verdict,
    holds,
    violated,
)
from suite.driver.recording import law_line
from suite.driver.search import Found
from suite.oracles.sizes import total_tokens

GRAPH = CompiledGraph(
    "tower", backend="eager", component="encoder", pieces=1, ranges="[0, open]", traced=1, compiled=1, loaded=0,
    shared=0, wall=0.5, trace_seconds=0.25, piece_seconds=(0.125,), counted=0.5,
)  # fmt: skip
ENTRY = LedgerEntry("here", component="encoder", worker=0, thread=0, start=0.5, end=2.0, own=1.5, said=None)
SHEET = LedgerSheet(
    "one compile",
    wall=2.5,
    entries=(ENTRY, replace(ENTRY, said=2.0, also="there")),
    accounts=(LedgerAccount("encoder", worker=0, expected=1.5, counted=math.nan),),
    resolution=0.01,
)


def _line(found: Found) -> LawLine:
    line = parse(decode(encode(law_line(CELL, replace(found, law=CELL.law), PLACE))), strict=True)
    assert isinstance(line, LawLine)
    return line


def test_a_violation_takes_its_ledger_along() -> None:
    """Every number of the sheet is in the record, NaN too."""
    verdict = violated(expected="a", actual="b", because="c", evidence=Evidence(ledger=SHEET))
    line = _line(replace(hunt(lambda _case, _given: verdict), case=CASE))
    assert line.violation is not None
    assert line.violation.ledger is not None
    assert repr(asdict(line.violation.ledger)) == repr(
        {
            "wall": 2.5,
            "title": "one compile",
            "entries": tuple(_fields(entry) for entry in SHEET.entries),
            "accounts": ({"component": "encoder", "expected": 1.5, "counted": math.nan, "worker": 0},),
            "resolution": 0.01,
        }
    )


def _fields(entry: LedgerEntry) -> dict[str, object]:
    names = ("place", "component", "start", "end", "own", "worker", "thread", "said", "also")
    return {name: getattr(entry, name) for name in names}


def test_a_law_that_holds_tells_its_last_graphs() -> None:
    """Of all its cases the last that told of graphs is in the record."""
    count = 0

    def check(_case: Case, _given: GuardedSubject) -> Verdict:
        nonlocal count
        count += 1
        return holds(graphs=(replace(GRAPH, traced=count),) if count < 9 else ())

    assert _line(hunt(check)).graphs == (GraphLine(**asdict(replace(GRAPH, traced=8))),)


def test_a_violation_tells_the_graphs_of_its_case() -> None:
    """A case that was tried after the smallest violation does not replace what that one compiled."""

    def check(case: Case, _given: GuardedSubject) -> Verdict:
        tokens = total_tokens("toy", case.history[0])
        graphs = (replace(GRAPH, pieces=tokens),)
        return replace(WRONG, graphs=graphs) if tokens >= 7 else holds(graphs=graphs)

    assert [graph.pieces for graph in _line(hunt(check)).graphs] == [7]


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ({"start": -1.0}, "start must be finite and 0 or more, got -1.0 s"),
        ({"end": 0.25}, "end must be finite and 0.5 or more, got 0.25 s"),
        ({"own": math.nan}, "own must be finite and 0 or more, got nan s"),
    ],
)
def test_what_has_no_place_on_the_axis_is_refused(times: dict[str, float], sentence: str) -> None:
    """The law that makes such an entry is told at once, not the report."""
    with pytest.raises(ValueError, match=sentence):
        replace(ENTRY, **times)  # type: ignore[arg-type]  # fields are changed by name
