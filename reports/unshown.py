"""What a run does not show, as sentences: the first thing to read after the verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from reports.matrix import catches
from reports.sheet_schema import RanksSheet, StartupSheet
from reports.summary import Summary, plural
from reports.tables import label_rows

REASONS_LIMIT = 5
"""Laws that do not apply for more reasons than these are told together: each reason stands with its law."""


@dataclass(frozen=True, kw_only=True)
class Unshown:
    """One limit of the run: a topic, a sentence, and the names it is about."""

    topic: str
    text: str
    names: tuple[str, ...] = ()


def unshown(summary: Summary) -> tuple[Unshown, ...]:
    """Every limit of the run, the gravest first."""
    return (
        *_gaps(summary),
        *(Unshown(topic=note.topic, text=note.text) for note in summary.records.notes),
        *_device(summary),
        *_own_tests(summary),
        *_not_run(summary),
        *_toothless(summary),
        *_inapplicable(summary),
        *_never_drawn(summary),
        *_compiled(summary),
        *_decorated(summary),
        *_drawn(summary),
        *_bound(summary),
    )


def _gaps(summary: Summary) -> Iterator[Unshown]:
    for gap in summary.records.gaps:
        yield Unshown(topic="incomplete", text=gap)
    for kind, count in summary.records.unknown_kinds.items():
        text = f"{plural(count, 'record')} of the kind {kind!r}, which this reader does not know, left out."
        yield Unshown(topic="not understood", text=text)


def _device(summary: Summary) -> Iterator[Unshown]:
    device = summary.records.header.device
    told = any(note.topic == "device" for note in summary.records.notes)
    if not told and not device.startswith("cuda"):
        yield Unshown(topic="device", text=f"No GPU took part: every law ran on the device {device!r}.")


def _own_tests(summary: Summary) -> Iterator[Unshown]:
    tests = summary.records.header.own_tests
    if tests is not None and tests.reason is not None:
        yield Unshown(topic="own tests", text=f"What the subject's own tests say is not known: {tests.reason}.")


def _not_run(summary: Summary) -> Iterator[Unshown]:
    cells = [cell for cell in summary.cells if not cell.records and cell.standing == "unknown"]
    if cells:
        names = tuple(f"{cell.law} on {cell.place}" for cell in cells)
        yield Unshown(topic="laws", text=f"{plural(len(cells), 'planned cell')} did not run.", names=names)
    if summary.faults_not_run:
        text = f"{plural(len(summary.faults_not_run), 'planned fault')} did not run."
        yield Unshown(topic="faults", text=text, names=summary.faults_not_run)
    if not summary.faults:
        text = "No deliberate fault was run, so nothing here shows that the laws can fail."
        yield Unshown(topic="faults", text=text)


def _toothless(summary: Summary) -> Iterator[Unshown]:
    caught = catches(summary.faults)
    names = tuple(row.law for row in summary.laws if row.law not in caught and row.standing != "inapplicable")
    if summary.faults and names:
        text = f"{plural(len(names), 'law')} caught no deliberate fault of this run: nothing here shows that"
        yield Unshown(topic="faults", text=f"{text} {'it' if len(names) == 1 else 'they'} can fail.", names=names)


def _inapplicable(summary: Summary) -> Iterator[Unshown]:
    absent = summary.laws_that("inapplicable")
    why = {cell.reason for row in absent for cell in row.cells}
    told = {row.law for row in absent} if len(why) > REASONS_LIMIT else set()
    if told:
        text = f"{plural(len(told), 'law')} not applicable, for {len(why)} reasons: each stands with its law."
        yield Unshown(topic="not applicable", text=text, names=tuple(sorted(told)))
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for cell in summary.cells:
        if cell.standing == "inapplicable" and cell.law not in told:
            reasons[cell.reason or "no reason given"].append(f"{cell.law} on {cell.place}")
    for reason, names in sorted(reasons.items()):
        text = f"{plural(len(names), 'cell')} not applicable: {reason}."
        yield Unshown(topic="not applicable", text=text, names=tuple(names))


def _never_drawn(summary: Summary) -> Iterator[Unshown]:
    for row in label_rows(summary.laws):
        if row.never:
            text = f"The class of inputs {row.label!r} was never drawn by {plural(len(row.never), 'law')}."
            yield Unshown(topic="inputs", text=text, names=row.never)


def _compiled(summary: Summary) -> Iterator[Unshown]:
    if summary.records.laws and not any(law.graphs for law in summary.records.laws):
        text = "No verdict tells what a tower was compiled to, nor where the seconds of a compile went."
        yield Unshown(topic="compiling", text=text)


def _decorated(summary: Summary) -> Iterator[Unshown]:
    if summary.records.laws and not any(law.decoration for law in summary.records.laws):
        yield Unshown(topic="decoration", text="No verdict tells what decoration changes.")


def _drawn(summary: Summary) -> Iterator[Unshown]:
    kinds = {law.sheet.KIND for law in summary.records.laws if law.sheet is not None}
    if summary.records.laws and RanksSheet.KIND not in kinds:
        yield Unshown(topic="ranks", text="No verdict shows how a batch is shared out over ranks.")
    if summary.records.laws and StartupSheet.KIND not in kinds:
        yield Unshown(topic="starts", text="No verdict tells how long a cold or a warm start takes.")


def _bound(summary: Summary) -> Iterator[Unshown]:
    counts = [cell.cases for cell in summary.cells if cell.standing == "holds"]
    if counts:
        text = (
            "A law that holds is a law that was not seen to fail: the number of its cases bounds the rate of "
            "failures, it does not make it zero. What each law leaves out on purpose stands with the law."
        )
        yield Unshown(topic="samples", text=text)
