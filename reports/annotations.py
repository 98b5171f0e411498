"""GitHub workflow commands: one error line per distinct cause, so that a pull request shows what broke.

GitHub shows ten errors of one step and drops the rest; the rest is counted in one notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports.causes import Cause, causes, listed
from reports.encoding import cut
from reports.summary import Summary, plural
from reports.tables import place

LIMIT = 10
"""Errors of one step that GitHub shows."""


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """One cause: a short title and the sentence below it."""

    title: str
    text: str


def lines(summary: Summary) -> tuple[str, ...]:
    """At most `LIMIT` lines `::error title=...::...`, then one `::notice::` that counts the rest."""
    causes = tuple(causes_of(summary))
    shown = [f"::error title={_property(cause.title)}::{_data(cause.text)}" for cause in causes[:LIMIT]]
    if len(causes) > LIMIT:
        rest = plural(len(causes) - LIMIT, "more cause")
        shown.append(f"::notice title=Not every cause is shown::{rest}; the HTML report has them all.")
    return tuple(shown)


def causes_of(summary: Summary) -> Iterator[Annotation]:
    """Every distinct cause, worst first: violated laws, gaps, surviving faults, unknown laws, stale entries.

    A violated cell that a deviation covers is no news and is left out.
    """
    yield from _violations(summary)
    for gap in summary.records.gaps:
        yield Annotation(title="The run is not complete", text=gap)
    for row in summary.faults:
        if row.standing == "survived":
            laws = ", ".join(row.caught_by) or "no law"
            text = f"{row.breaks or 'No description.'} It should be caught by: {laws}."
            yield Annotation(title=f"Fault {row.fault} survived", text=text)
    if summary.faults_not_run:
        text = f"{listed(summary.faults_not_run, 5)}: planned, and without a record."
        yield Annotation(title=f"{plural(len(summary.faults_not_run), 'fault')} did not run", text=text)
    yield from _unknowns(summary)
    for entry in summary.records.deviations:
        if not entry.still_fails:
            text = (
                f"On {place(entry.family, entry.column)} it does not fail any more: remove the entry ({entry.reason})."
            )
            yield Annotation(title=f"Stale known failure of {entry.law}", text=text)


def _violations(summary: Summary) -> Iterator[Annotation]:
    for cause in causes((cell for cell in summary.cells if cell.deviation is None), "violated"):
        again = f" Reproduce: {cause.command}" if cause.command else ""
        yield Annotation(title=f"{_laws(cause)} violated", text=f"On {_places(cause)}: {cause.because}.{again}")


def _unknowns(summary: Summary) -> Iterator[Annotation]:
    for cause in causes(summary.cells, "unknown"):
        yield Annotation(title=f"Unknown: {_laws(cause)}", text=f"On {_places(cause)}: {cause.because}.")


def _laws(cause: Cause) -> str:
    return listed(cause.laws, 2)


def _places(cause: Cause) -> str:
    return listed(cause.places, 5)


def _data(text: str) -> str:
    # The escapes that the runner undoes in a workflow command.
    clean = cut(text, 2000).encode("utf-8", "replace").decode()
    return clean.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(cut(text, 200)).replace(":", "%3A").replace(",", "%2C")
