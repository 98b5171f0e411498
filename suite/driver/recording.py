"""What was found, as lines of the records file (schema: `reports/schema.md`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from suite.contract.replacement import Replacement, replacements_of
from suite.contract.sheets import sheet_data
from suite.contract.text import violation_text
from suite.contract.verdict import DecorationSheet, DrawnBin, Evidence, Violation
from suite.driver.catalogue import Cell
from suite.driver.search import Found
from suite.driver.ticket import Ticket
from suite.oracles.class_aspects import PROMISES, ROWS
from suite.subjects.column import Column
from suite.subjects.registry import Device

Line = dict[str, object]


@dataclass(frozen=True)
class Place:
    """Where a result comes from, so that it can be had again."""

    node: str
    """The test's id."""
    subject: str
    device: Device
    report_dir: str = "reports/out"
    """The folder of the records, as a user would type it."""
    worker: str = "main"
    options: str = ""
    """Options of pytest, led by a space, without which it would judge another subject or draw other cases."""

    def ticket(self, cell: Cell, found: Found) -> Ticket | None:
        """What to replay; None if there is no case to it."""
        if found.case is None:
            return None
        return Ticket(cell.law.id, self.subject, cell.column, self.device, found.case)

    def commands(self, ticket: Ticket) -> tuple[str, ...]:
        """The commands that show a verdict again: the whole search, the case from its file, the case by its id."""
        return (
            f'pytest "{self.node}"{self.options}',
            f"python -m suite replay {self.report_dir}/cases/{ticket.id}.json",
            f"python -m suite replay {ticket.id} --records {self.report_dir}/records.jsonl",
        )


def text_of(violation: Violation, ticket: Ticket, found: Found, place: Place) -> str:
    """The violation as a terminal shows it."""
    return violation_text(
        found.law,
        ticket.case,
        violation,
        case_id=ticket.id,
        subject=ticket.subject + (f" ({ticket.column})" if ticket.column else ""),
        device=ticket.device,
        reproduce=place.commands(ticket),
        decoration=found.decoration,
    )


def law_line(cell: Cell, found: Found, place: Place) -> Line:
    """The record of one cell."""
    ticket = place.ticket(cell, found)
    violation = found.verdict.violation
    return {
        "kind": "law",
        **cell_fields(cell),
        "verdict": found.verdict.outcome.value,
        "cases": found.cases,
        "seconds": round(found.seconds, 3),
        "labels": found.labels,
        "reason": found.verdict.reason,
        "node": place.node,
        "worker": place.worker,
        "noise": None if found.noise is None else {"max_abs": found.noise.max_abs, "max_rel": found.noise.max_rel},
        "margin": found.margin,
        "graphs": [asdict(graph) for graph in found.graphs],
        "decoration": None if found.decoration is None else _decoration(found.decoration),
        "sheet": None if found.sheet is None else sheet_data(found.sheet),
        "violation": None if violation is None or ticket is None else _violation(violation, ticket, place),
    }


def inapplicable_line(cell: Cell, reason: str) -> Line:
    """The record of a law that says nothing of this subject or family."""
    return {
        "kind": "inapplicable",
        "law": cell.law.id,
        "family": cell.family,
        "column": cell.column,
        "reason": reason,
    }


def cell_fields(cell: Cell) -> Line:
    """What every record of a cell says of the law, the family and the column."""
    law = cell.law
    return {
        "law": law.id,
        "family": cell.family,
        "column": cell.column,
        "statement": law.statement,
        "ignores": law.ignores,
        "spec": list(law.spec),
    }


def replacement_lines(columns: Sequence[Column]) -> list[Line]:
    """What is replaced of a subject, each once, with the columns in which it is; null if that is all of them."""
    found: dict[Replacement, list[str]] = {}
    for column in columns:
        for each in replacements_of(column.subject):
            found.setdefault(each, []).append(column.name)
    return [{**asdict(each), "columns": None if len(names) == len(columns) else names} for each, names in found.items()]


def _violation(violation: Violation, ticket: Ticket, place: Place) -> Line:
    evidence = violation.evidence
    return {
        "id": ticket.id,
        "expected": violation.expected,
        "actual": violation.actual,
        "because": violation.because,
        "case": ticket.as_data(),
        "case_text": str(ticket.case),
        "plan": _plan(evidence),
        "arms": [asdict(arm) for arm in evidence.arms],
        "first_arm": evidence.first_arm,
        "tolerance": evidence.tolerance,
        "ledger": None if evidence.ledger is None else asdict(evidence.ledger),
        "reproduce": list(place.commands(ticket)),
    }


def _decoration(sheet: DecorationSheet) -> Line:
    """The sheet with every row of the table in words, so that the report needs no table of its own."""
    return {
        "title": sheet.title,
        "changes": [asdict(each) for each in sheet.changes],
        "rows": [
            {"row": row, "thing": thing, "promise": PROMISES[row], "looked_at": row in sheet.looked_at}
            for row, thing in ROWS.items()
        ],
    }


def _plan(evidence: Evidence) -> list[Line]:
    return [{"batch": number, "bins": [_bin(launch) for launch in bins]} for number, bins in enumerate(evidence.plan)]


def _bin(launch: DrawnBin) -> Line:
    return {
        "budget": launch.budget,
        "items": [asdict(item) for item in launch.items],
        "wrong_rows": [[start, stop + 1] for start, stop in launch.wrong_rows],
    }
