"""One run in a few numbers: as JSON for machines, as text for a terminal, as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports.causes import because
from reports.decoration import LISTED, mistakes
from reports.encoding import Json
from reports.records import Records
from reports.subject_schema import OwnTests
from reports.tables import (
    Cell,
    FaultRow,
    LawRow,
    Standing,
    cells,
    fault_rows,
    law_rows,
    place,
    requirements,
)

OWN_TESTS = "the subject's own tests"
CLEAN_SUBJECT = "reference"
"""The subject on which every violation is a false alarm."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run showed: verdicts by law (the worst over its cells) and by cell, and faults."""

    records: Records
    laws: tuple[LawRow, ...]
    cells: tuple[Cell, ...]
    faults: tuple[FaultRow, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """Every family that was planned or ran; one on which no law applies to the subject was not looked at."""
        return tuple(sorted({cell.family for cell in self.cells if cell.standing != "inapplicable"}))

    @property
    def columns(self) -> tuple[str, ...]:
        """The routes by which the subject was reached; the first has no name."""
        return tuple(sorted({cell.column for cell in self.cells}))

    def laws_that(self, standing: Standing) -> tuple[LawRow, ...]:
        """The laws with this verdict."""
        return tuple(row for row in self.laws if row.standing == standing)

    @property
    def judged(self) -> int:
        """Laws that apply to the subject: those that hold, are violated or are unknown."""
        return len(self.laws) - len(self.laws_that("inapplicable"))

    @property
    def cases(self) -> int:
        """Cases over all laws, families and columns."""
        return sum(cell.cases for cell in self.cells)

    @property
    def survivors(self) -> tuple[str, ...]:
        """Faults that ran and that no law caught."""
        return tuple(row.fault for row in self.faults if row.standing == "survived")

    @property
    def faults_not_run(self) -> tuple[str, ...]:
        """Faults that were planned and have no record."""
        return tuple(row.fault for row in self.faults if row.standing == "not run")

    @property
    def killed(self) -> int:
        """Faults that a law caught."""
        return sum(row.standing == "killed" for row in self.faults)

    @property
    def clean(self) -> bool:
        """Whether the subject is the one on which every violation is a false alarm."""
        return self.records.header.subject == CLEAN_SUBJECT

    @property
    def false_alarms(self) -> int:
        """Violated verdicts, if the subject is the clean one."""
        return sum(law.verdict == "violated" for law in self.records.laws) if self.clean else 0

    @property
    def standing(self) -> Standing:
        """The verdict of the run: holds only if all that was planned ran, held, and caught every fault.

        A known failure stays a violation; one that is recorded and does not fail any more is a doubt.
        """
        if self.laws_that("violated"):
            return "violated"
        doubts = self.laws_that("unknown") or self.survivors or self.faults_not_run or self.stale
        return "holds" if self.judged and self.records.complete and not doubts else "unknown"

    @property
    def known(self) -> tuple[Cell, ...]:
        """Violated cells that a deviation covers."""
        return tuple(cell for cell in self.cells if cell.standing == "violated" and cell.deviation is not None)

    @property
    def stale(self) -> tuple[str, ...]:
        """Known failures that do not fail any more, each as its law and where."""
        return tuple(
            f"{entry.law} on {place(entry.family, entry.column)}"
            for entry in self.records.deviations
            if not entry.still_fails
        )


def summarise(records: Records) -> Summary:
    """The numbers of one run."""
    return Summary(
        records=records,
        laws=law_rows(records),
        cells=cells(records),
        faults=fault_rows(records),
    )


def as_json(summary: Summary) -> dict[str, Json]:
    """The object that `python -m reports summary --json` prints."""
    records = summary.records
    header = records.header
    return {
        "subject": header.subject,
        "subject_version": header.subject_version,
        "device": header.device,
        "profile": header.profile,
        "seed": header.seed,
        "started": header.started,
        "complete": records.complete,
        "verdict": summary.standing,
        "laws": {"total": summary.judged, **_count_laws(summary.laws)},
        "cells": {"total": _judged(summary.cells), **_count_cells(summary.cells)},
        "cases": summary.cases,
        "families": list(summary.families),
        "columns": list(summary.columns),
        "spec": _spec(summary),
        "faults": {
            "total": len(summary.faults),
            "killed": summary.killed,
            "survivors": list(summary.survivors),
            "not_run": list(summary.faults_not_run),
        },
        "false_alarms": summary.false_alarms,
        "deviations": {
            "total": len(records.deviations),
            "known": len(summary.known),
            "stale": list(summary.stale),
        },
        "own_tests": _own_tests(header.own_tests),
        "replacements": len(header.replacements),
        "wall_seconds": None if records.footer is None else records.footer.wall_seconds,
        "exit_status": None if records.footer is None else records.footer.exit_status,
        "records": records.count,
        "dropped": records.dropped,
        "damaged": len(records.damaged),
        "unknown_kinds": dict(records.unknown_kinds),
        "gaps": list(records.gaps),
    }


def _own_tests(tests: OwnTests | None) -> dict[str, Json] | None:
    if tests is None:
        return None
    counts: dict[str, Json] = {name: tests.count(name) for name in ("failed", "error", "skipped")}
    failed: list[Json] = [test.name for test in tests.others if test.outcome == "failed"]
    return {"verdict": tests.standing, "passed": tests.passed, **counts, "names": failed, "reason": tests.reason}


def _spec(summary: Summary) -> dict[str, Json]:
    return {
        name: [{"law": row.law, "verdict": row.standing} for row in rows]
        for name, rows in requirements(summary.laws).items()
    }


def _count_laws(rows: tuple[LawRow, ...]) -> dict[str, Json]:
    return _count([row.standing for row in rows])


def _count_cells(found: tuple[Cell, ...]) -> dict[str, Json]:
    return _count([cell.standing for cell in found])


def _judged(found: tuple[Cell, ...]) -> int:
    return sum(cell.standing != "inapplicable" for cell in found)


def _count(standings: list[Standing]) -> dict[str, Json]:
    every: tuple[Standing, ...] = ("holds", "violated", "unknown", "inapplicable")
    return {standing: standings.count(standing) for standing in every}


def verdict_sentence(summary: Summary) -> str:
    """The run in one sentence, as a fraction."""
    holding = len(summary.laws_that("holds"))
    if not summary.judged:
        return "No law was judged."
    return f"{holding} of {plural(summary.judged, 'law')} {'holds' if summary.judged == 1 else 'hold'}."


def details_sentence(summary: Summary) -> str:
    """What the fraction leaves out: violated, unknown, known failures, cases."""
    parts = [f"{len(rows)} {name}" for name in ("violated", "unknown") if (rows := _named(summary, name))]
    if summary.known:
        parts.append(plural(len(summary.known), "known failure"))
    routes = f", by {len(summary.columns)} routes" if len(summary.columns) > 1 else ""
    parts.append(f"{summary.cases:,} cases on {plural(len(summary.families), 'family', 'families')}{routes}")
    return "; ".join(parts) + "."


def _named(summary: Summary, name: str) -> tuple[LawRow, ...]:
    return tuple(row for row in summary.laws if row.standing == name)


def faults_sentence(summary: Summary) -> str:
    """How many deliberate faults the laws caught."""
    if not summary.faults:
        return "No deliberate fault was run: this run does not show that the laws can fail."
    missing = len(summary.faults_not_run)
    rest = f"; {len(summary.survivors)} survived" if summary.survivors else ""
    rest += f"; {missing} did not run" if missing else ""
    return f"{summary.killed} of {plural(len(summary.faults), 'deliberate fault')} caught{rest}."


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 law`, `2 laws`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def as_text(summary: Summary) -> str:
    """A few lines for a terminal."""
    return "\n".join(_text(summary))


def _text(summary: Summary) -> Iterator[str]:
    header = summary.records.header
    yield f"{header.project} {header.version}: {header.subject} on {header.device}, profile {header.profile}"
    yield f"{verdict_sentence(summary)} {details_sentence(summary)}"
    yield faults_sentence(summary)
    if header.own_tests is not None:
        yield f"{OWN_TESTS}: {header.own_tests.sentence}"
    for gap in summary.records.gaps:
        yield f"incomplete: {gap}"
    for kind, count in summary.records.unknown_kinds.items():
        yield f"not understood: {plural(count, 'record')} of the unknown kind {kind!r}"
    for cell in summary.cells:
        if cell.standing in ("violated", "unknown"):
            known = " (known)" if cell.deviation is not None else ""
            yield f"{cell.standing}{known}: {cell.law} on {cell.place}: {because(cell)}"
            yield from (f"  changed: {line}" for law in cell.records for line in mistakes(law, LISTED))
    for entry in summary.stale:
        yield f"stale: {entry} does not fail any more: remove the known failure"
    for fault in summary.survivors:
        yield f"survived: {fault}"
