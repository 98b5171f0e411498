"""Several runs side by side: a column for each subject and release, a row for each law, and why laws do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports.causes import Cause, causes
from reports.records import read
from reports.results import by_release
from reports.subject_schema import OwnTests, Replacement
from reports.summary import Summary, summarise
from reports.tables import Cell, LawRow, Standing, topic
from reports.validation import RecordError

RECORDS = "records.jsonl"
"""The name under which a run writes its records."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One run: a subject in one release."""

    subject: str
    release: str
    device: str
    profile: str
    day: str
    complete: bool
    holds: int
    """Laws that hold."""
    judged: int
    """Laws that apply."""
    cases: int
    own_tests: OwnTests | None
    """What the subject's own tests say; None: there are none that could be run."""
    replacements: tuple[Replacement, ...]

    @property
    def name(self) -> str:
        """Subject and release."""
        return f"{self.subject} {self.release}".strip()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One law in one run."""

    standing: Standing
    cells: int
    """Families and routes on which it was judged."""
    wrong: int
    """Those on which it has the verdict, where that is not that it holds."""
    known: bool
    """Whether each violation is an accepted failure."""
    cases: int
    causes: tuple[Cause, ...]
    """Why it is violated or unknown."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One law in all runs; None where a run did not plan it."""

    law: str
    statement: str
    entries: tuple[Entry | None, ...]

    @property
    def topic(self) -> str:
        """The law's id up to the first slash."""
        return topic(self.law)

    @property
    def standings(self) -> frozenset[Standing]:
        """Its verdicts over all runs."""
        return frozenset(entry.standing for entry in self.entries if entry is not None)

    @property
    def is_wrong(self) -> bool:
        """Whether it is violated or unknown in some run."""
        return not self.standings <= {"holds", "inapplicable"}


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """One thing that is replaced of a subject, and in which of its releases."""

    subject: str
    replacement: Replacement
    releases: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the page of several runs shows."""

    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    """Laws that apply to one of the subjects or more."""
    elsewhere: int
    """Laws that apply to none of them."""

    @property
    def wrong(self) -> tuple[Row, ...]:
        """Laws that are violated or unknown in some run."""
        return tuple(row for row in self.rows if row.is_wrong)

    @property
    def violated(self) -> tuple[Row, ...]:
        """Laws that are violated in some run."""
        return tuple(row for row in self.rows if "violated" in row.standings)

    @property
    def stand_ins(self) -> tuple[StandIn, ...]:
        """What is replaced in some run, in the order of the runs."""
        found: dict[tuple[str, Replacement], list[str]] = {}
        for side in self.sides:
            for each in side.replacements:
                found.setdefault((side.subject, replace(each, columns=None)), []).append(side.release)
        return tuple(
            StandIn(subject=subject, replacement=each, releases=tuple(releases))
            for (subject, each), releases in found.items()
        )

    @property
    def topics(self) -> Mapping[str, tuple[Row, ...]]:
        """The rows by topic, in the order of the rows."""
        names = dict.fromkeys(row.topic for row in self.rows)
        return {name: tuple(row for row in self.rows if row.topic == name) for name in names}


def records_at(names: Sequence[str]) -> dict[str, Path]:
    """The records files that are named; a folder stands for those of the folders in it.

    Raises:
        RecordError: a folder holds none, or a file is named twice.
    """
    found: dict[str, Path] = {}
    for name in names:
        path = Path(name)
        files = sorted(path.glob(f"*/{RECORDS}")) if path.is_dir() else [path]
        if not files:
            raise RecordError(f"{name} has no folder with a {RECORDS}; name the folder in which each run has its own")
        for file in files:
            if str(file) in found:
                raise RecordError(f"{file} is named twice; name each run once")
            found[str(file)] = file
    return found


def compare(files: Mapping[str, Path]) -> Comparison:
    """The runs of those files, sorted by subject and release.

    Raises:
        RecordError: a file cannot be read as records, or two are of one subject, release and device.
    """
    runs = {name: summarise(read(path)) for name, path in files.items()}
    _check(runs)
    ordered = sorted(runs.values(), key=_order)
    laws = sorted({row.law for run in ordered for row in run.laws})
    by_law = [{row.law: row for row in run.laws} for run in ordered]
    rows = tuple(_row(law, [known.get(law) for known in by_law]) for law in laws)
    applying = tuple(row for row in rows if row.standings - {"inapplicable"})
    return Comparison(sides=tuple(map(_side, ordered)), rows=applying, elsewhere=len(rows) - len(applying))


def _check(runs: Mapping[str, Summary]) -> None:
    seen: dict[tuple[object, ...], str] = {}
    for name, run in runs.items():
        side = _side(run)
        key = (side.subject, side.release, side.device)
        if key in seen:
            raise RecordError(f"{seen[key]} and {name} are both of {side.name} on {side.device}; name one of them")
        seen[key] = name


def _order(run: Summary) -> tuple[object, ...]:
    side = _side(run)
    return (*by_release(side.subject, side.release), side.device)


def _side(run: Summary) -> Side:
    header = run.records.header
    return Side(
        subject=header.subject,
        release=header.subject_version or "",
        device=header.device,
        profile=header.profile,
        day=header.started[:10],
        complete=run.records.complete,
        holds=len(run.laws_that("holds")),
        judged=run.judged,
        cases=run.cases,
        own_tests=header.own_tests,
        replacements=header.replacements,
    )


def _row(law: str, found: Sequence[LawRow | None]) -> Row:
    statement = next((each.statement for each in found if each is not None and each.statement), "")
    return Row(law=law, statement=statement, entries=tuple(None if each is None else _entry(each) for each in found))


def _entry(row: LawRow) -> Entry:
    judged = [cell for cell in row.cells if cell.standing != "inapplicable"]
    wrong = [cell for cell in judged if cell.standing == row.standing != "holds"]
    return Entry(
        standing=row.standing,
        cells=len(judged),
        wrong=len(wrong),
        known=bool(wrong) and all(map(_is_known, wrong)),
        cases=sum(cell.cases for cell in judged),
        causes=(*causes(judged, "violated"), *causes(judged, "unknown")),
    )


def _is_known(cell: Cell) -> bool:
    return cell.standing == "violated" and cell.deviation is not None
