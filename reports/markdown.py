"""The summary of a run as GitHub Markdown, for a step summary or a comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reports.causes import because, violation_of
from reports.decoration import LISTED, mistakes
from reports.encoding import cut
from reports.summary import OWN_TESTS, Summary, details_sentence, faults_sentence, plural, verdict_sentence
from reports.tables import Cell

MARKS: Mapping[str, str] = {"holds": "✓", "violated": "✕", "unknown": "?", "inapplicable": "\N{EN DASH}"}
ROW_LIMIT = 50

# Characters that would start markup, a link, a mention or a new table cell.
_SPECIAL = str.maketrans({letter: f"&#{ord(letter)};" for letter in "&<>|`*_[]@#~\\!$"})


def as_markdown(summary: Summary) -> str:
    """Verdict first, then what is missing, then one table row for each cell that does not hold."""
    return "\n".join(_lines(summary)) + "\n"


def escape(text: str) -> str:
    """Plain text as one line of Markdown that says exactly this text."""
    return cut(" ".join(text.split()), 300).encode("utf-8", "replace").decode().translate(_SPECIAL)


def _lines(summary: Summary) -> Iterator[str]:
    header = summary.records.header
    yield f"### {MARKS[summary.standing]} {verdict_sentence(summary)}"
    yield ""
    yield f"{escape(header.subject)} on {escape(header.device)}, profile {escape(header.profile)}. "
    yield f"{details_sentence(summary)} {faults_sentence(summary)}"
    if header.own_tests is not None:
        yield f"{MARKS[header.own_tests.standing]} {OWN_TESTS}: {escape(header.own_tests.sentence)}."
    yield ""
    for gap in summary.records.gaps:
        yield f"- **Incomplete:** {escape(gap)}"
    for fault in summary.survivors[:ROW_LIMIT]:
        yield f"- **Survived:** {escape(fault)}"
    bad = [cell for cell in summary.cells if cell.standing in ("violated", "unknown")]
    if bad:
        yield from _table(bad)


def _table(bad: list[Cell]) -> Iterator[str]:
    yield ""
    yield "| verdict | law | on | because | run it again |"
    yield "|---|---|---|---|---|"
    for cell in bad[:ROW_LIMIT]:
        yield _row(cell)
    if len(bad) > ROW_LIMIT:
        yield ""
        yield f"and {plural(len(bad) - ROW_LIMIT, 'more cell')}; the HTML report has them all."
    yield from _changed(bad[:ROW_LIMIT])


def _changed(bad: list[Cell]) -> Iterator[str]:
    """What decoration changed by mistake, below the table: a cell of it has no room."""
    for cell in bad:
        lines = [line for law in cell.records for line in mistakes(law, LISTED)]
        if lines:
            yield ""
            yield f"Changed by decoration, {escape(cell.law)} on {escape(cell.place)}:"
            yield ""
            yield from (f"- {escape(line)}" for line in lines)


def _row(cell: Cell) -> str:
    violation = violation_of(cell)
    command = violation.reproduce[0] if violation is not None and violation.reproduce else ""
    again = f"<code>{escape(command)}</code>" if command else ""
    known = " (known)" if cell.deviation is not None else ""
    verdict = f"{MARKS[cell.standing]} {cell.standing}{known}"
    return f"| {verdict} | {escape(cell.law)} | {escape(cell.place)} | {escape(because(cell))} | {again} |"
