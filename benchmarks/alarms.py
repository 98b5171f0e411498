"""What one run of the clean reference says: held, a false alarm with what reproduces it, or unknown with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.pytest_run import Run
from reports.schema import Law
from reports.summary import Summary, summarise
from reports.tables import place


@dataclass(frozen=True)
class Alarm:
    """A law that called the clean reference wrong on one family."""

    law: str
    family: str
    case: str | None
    """Id of the case, under which its file lies in the run's folder `cases/`."""
    text: str | None
    """The case in words."""
    actual: str | None
    reproduce: tuple[str, ...]
    """The case alone, then the search that found it."""


@dataclass(frozen=True)
class Judged:
    """One run."""

    seed: int
    verdict: str
    """`holds`, `violated` or `unknown`; only a run that is complete and says so holds."""
    laws_held: int
    laws: int
    cases: int
    seconds: float
    cpu_seconds: float
    false_alarms: tuple[Alarm, ...]
    unknown: tuple[str, ...]
    """Sentences: why it does not hold, false alarms aside."""


def judged(done: Run, *, seed: int) -> Judged:
    """What the process left, in one verdict."""
    summary = None if done.records is None else summarise(done.records)
    laws = () if done.records is None else done.records.laws
    return Judged(
        seed=seed,
        verdict=_verdict(done, summary),
        laws_held=0 if summary is None else len(summary.laws_that("holds")),
        laws=0 if summary is None else summary.judged,
        cases=0 if summary is None else summary.cases,
        seconds=round(done.seconds, 1),
        cpu_seconds=round(done.cpu_seconds, 1),
        false_alarms=tuple(_alarm(law) for law in laws if law.verdict == "violated"),
        unknown=tuple(_doubts(done, summary)),
    )


def _verdict(done: Run, summary: Summary | None) -> str:
    if summary is None or (summary.standing == "holds" and done.status != 0):
        return "unknown"
    return summary.standing


def _alarm(law: Law) -> Alarm:
    found = law.violation
    return Alarm(
        law=law.law,
        family=place(law.family, law.column),
        case=None if found is None else found.id,
        text=None if found is None else found.case_text,
        actual=law.reason if found is None else found.actual,
        reproduce=() if found is None else found.reproduce,
    )


def _doubts(done: Run, summary: Summary | None) -> Iterator[str]:
    if done.status is None:
        yield f"stopped at its limit, after {done.seconds:.0f} seconds"
    elif done.status not in (0, 1):
        yield f"exit status {done.status}: see pytest.txt in the run's folder"
    if summary is None:
        yield "no records that can be read: see pytest.txt in the run's folder"
        return
    for cell in summary.cells:
        if cell.standing == "unknown":
            yield f"{cell.law} on {cell.family} is unknown"
    yield from summary.records.gaps
    if done.status == 1 and summary.standing == "holds":
        yield "every law held, but pytest failed: see pytest.txt in the run's folder"
