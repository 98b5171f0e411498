"""What a whole run found of one release of a subject, as a small file to commit, and the table made of such files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from reports.causes import because
from reports.encoding import decode
from reports.markdown import escape
from reports.summary import Summary
from reports.tables import WORST_FIRST, Cell, Standing
from reports.validation import RecordError, build

FOLDER = Path(__file__).resolve().parent / "results"
"""Where results are kept, one file per subject and release."""
SCHEMA = 1
BEGIN = "<!-- results: written by `python -m reports table` -->"
END = "<!-- end of results -->"
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One cell that does not hold. A violation that is known has its kind and its link."""

    law: str
    family: str
    column: str = ""
    verdict: Standing
    reason: str = ""
    known: str | None = None
    link: str | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of one release, without what differs from run to run."""

    schema: int
    subject: str
    release: str
    device: str
    profile: str
    suite: str
    date: str
    """Day of the run, UTC."""
    laws: Mapping[str, int]
    """How many laws there are of each verdict; a law counts as its worst cell."""
    families: tuple[str, ...]
    columns: tuple[str, ...]
    cases: int
    failures: tuple[Failure, ...]
    """Cells that are violated or unknown."""

    def __post_init__(self) -> None:
        """Refuse what the table cannot show."""
        if set(self.laws) != set(WORST_FIRST):
            raise ValueError(
                f"laws: a count for each of {', '.join(WORST_FIRST)}, got {', '.join(self.laws) or 'none'}"
            )

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{_UNSAFE.sub('-', self.subject)}-{_UNSAFE.sub('-', self.release)}.json"


def result_of(summary: Summary) -> Result:
    """What is kept of a run.

    Raises:
        RecordError: the run is not whole, or asked for a part only: it says too little of the release.
    """
    records, header = summary.records, summary.records.header
    if not records.complete:
        raise RecordError(f"the run is not whole ({records.gaps[0]}): results are kept of whole runs only")
    if any(note.topic == "selection" for note in records.notes):
        raise RecordError("the run asked for a part of the laws or families: results are kept of whole runs only")
    if not header.subject_version:
        raise RecordError("the header gives no subject_version: results are kept by subject and release")
    return Result(
        schema=SCHEMA,
        subject=header.subject,
        release=header.subject_version,
        device=header.device,
        profile=header.profile,
        suite=header.version,
        date=header.started[:10],
        laws={standing: len(summary.laws_that(standing)) for standing in WORST_FIRST},
        families=summary.families,
        columns=summary.columns,
        cases=summary.cases,
        failures=tuple(_failure(cell) for cell in summary.cells if cell.standing in ("violated", "unknown")),
    )


def _failure(cell: Cell) -> Failure:
    known = cell.deviation if cell.standing == "violated" else None
    return Failure(
        law=cell.law,
        family=cell.family,
        column=cell.column,
        verdict=cell.standing,
        reason=because(cell),
        known=None if known is None else known.deviation_kind,
        link=None if known is None else known.link,
    )


def as_file(result: Result) -> str:
    """The text of a result's file, a line per field, so that a change can be read."""
    return json.dumps(asdict(result), indent=2, ensure_ascii=True) + "\n"


def read_result(path: Path) -> Result:
    """The result in a file.

    Raises:
        OSError: the file cannot be read.
        RecordError: it does not follow the schema, or has another name than its content gives it.
    """
    try:
        data = decode(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RecordError(f"{path.name}: not JSON: {error}") from None
    if not isinstance(data, dict):
        raise RecordError(f"{path.name}: a result is a JSON object, got {type(data).__name__}")
    result = build(Result, data, where=path.name, strict=True)
    if result.schema != SCHEMA:
        raise RecordError(f"{path.name}.schema: {result.schema} is not known; valid: {SCHEMA}")
    if result.file != path.name:
        raise RecordError(f"{path.name}: it is about {result.subject} {result.release}: call it {result.file}")
    return result


def read_results(folder: Path = FOLDER) -> tuple[Result, ...]:
    """Every result of a folder, by subject and release."""
    return tuple(sorted(map(read_result, folder.glob("*.json")), key=_by_release))


def _by_release(result: Result) -> tuple[str, list[tuple[int, int, str]]]:
    return by_release(result.subject, result.release)


def by_release(subject: str, release: str) -> tuple[str, list[tuple[int, int, str]]]:
    """What sorts by subject, then by release as numbers: 0.9 comes before 0.10."""
    parts = re.findall(r"\d+|[^\d.]+", release)
    return subject, [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def as_table(results: Sequence[Result]) -> str:
    """The table of the README: one row per subject and release."""
    head = ("subject", "release", "laws that hold", "violated", "known", "unknown", "cases", "profile", "day")
    rows = [head, tuple("---" for _ in head), *map(_row, results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(result: Result) -> tuple[str, ...]:
    judged = sum(count for standing, count in result.laws.items() if standing != "inapplicable")
    known = sum(failure.known is not None for failure in result.failures)
    violated = sum(failure.verdict == "violated" for failure in result.failures)
    return (
        escape(result.subject),
        escape(result.release),
        f"{result.laws['holds']} of {judged}",
        f"{result.laws['violated']}",
        f"{known} of {violated} cells" if violated else "0",
        f"{result.laws['unknown']}",
        f"{result.cases:,}",
        escape(result.profile),
        escape(result.date),
    )


def with_table(document: str, table: str) -> str:
    """The document with the table between its two marks.

    Raises:
        RecordError: a mark is missing.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise RecordError(f"no place for the table: write the lines {BEGIN} and {END} where it belongs")
    return f"{before}{begin}\n{table}\n{end}{after}"
