"""What was found, as lines of the records file (schema: `reports/schema.md`)."""

from __future__ import annotations

import json
from dataclasses import asdict

from suite.contract.case import Case
from suite.contract.verdict import DrawnBin, Evidence, Violation
from suite.driver.catalogue import Cell
from suite.driver.planting import Planted
from suite.driver.search import Found

Line = dict[str, object]


def reproduce_commands(case: Case, *, node: str, subject: str, records: str) -> tuple[str, ...]:
    """The commands that show a violation again."""
    return (
        f'pytest "{node}" --subject {subject}',
        f"python -m suite replay {case.id} --records {records}",
    )


def law_line(cell: Cell, found: Found, *, node: str, worker: str, subject: str, records: str) -> Line:
    """The record of one cell."""
    violation = None
    if found.verdict.violation is not None and found.case is not None:
        commands = reproduce_commands(found.case, node=node, subject=subject, records=records)
        violation = _violation(cell, found.case, found.verdict.violation, commands)
    return {
        "kind": "law",
        "law": cell.law.id,
        "family": cell.label,
        "statement": cell.law.statement,
        "ignores": cell.law.ignores,
        "spec": list(cell.law.spec),
        "verdict": found.verdict.outcome.value,
        "cases": found.cases,
        "seconds": round(found.seconds, 3),
        "labels": found.labels,
        "reason": found.verdict.reason,
        "node": node,
        "worker": worker,
        "noise": None if found.noise is None else {"max_abs": found.noise.max_abs, "max_rel": found.noise.max_rel},
        "margin": found.margin,
        "violation": violation,
    }


def fault_line(planted: Planted) -> Line:
    """The record of one fault."""
    return {
        "kind": "fault",
        "fault": planted.fault.id,
        "area": planted.fault.area,
        "breaks": planted.fault.breaks,
        "source": planted.fault.source,
        "caught_by": list(planted.fault.caught_by),
        "killed": planted.killed,
        "by": planted.by,
        "cases": planted.cases,
        "seconds": round(planted.seconds, 3),
        "verdicts": planted.verdicts,
    }


def _violation(cell: Cell, case: Case, violation: Violation, commands: tuple[str, ...]) -> Line:
    evidence = violation.evidence
    return {
        "id": case.id,
        "expected": violation.expected,
        "actual": violation.actual,
        "because": violation.because,
        "case": {**json.loads(case.to_json()), "law": cell.law.id, "column": cell.column},
        "case_text": str(case),
        "plan": _plan(evidence),
        "arms": [_arm(asdict(arm)) for arm in evidence.arms],
        "first_arm": evidence.first_arm,
        "tolerance": evidence.tolerance,
        "reproduce": list(commands),
    }


def _arm(arm: Line) -> Line:
    kept = ("arm", "max_abs", "max_rel", "mismatched", "total", "nan", "inf", "index", "item")
    return {name: arm[name] for name in kept}


def _plan(evidence: Evidence) -> list[Line]:
    return [{"batch": number, "bins": [_bin(launch) for launch in bins]} for number, bins in enumerate(evidence.plan)]


def _bin(launch: DrawnBin) -> Line:
    return {
        "budget": launch.budget,
        "items": [asdict(item) for item in launch.items],
        "wrong_rows": [[start, stop + 1] for start, stop in launch.wrong_rows],
    }
