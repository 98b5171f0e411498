"""What a subject kept of one timeline, and what a law needs when it is not what it should be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from suite.contract.calls import SubjectFailed
from suite.contract.guard import GuardedSubject
from suite.contract.program import COMPONENTS
from suite.contract.timeline import Ledger, Timeline
from suite.contract.verdict import Evidence, Verdict, violated
from suite.oracles.readings import (
    HALF_A_MICROSECOND,
    ROUNDING,
    Microseconds,
    counted,
    lines,
    sheet,
    text_of,
    texts,
    told,
)


@dataclass(frozen=True)
class Books:
    """What the subject kept of one timeline."""

    case: Timeline
    ledger: Ledger

    @property
    def counted(self) -> Microseconds:
        """The counters."""
        return counted(self.ledger)

    @property
    def lines(self) -> list[str]:
        """The lines about compile time."""
        return lines(self.ledger)

    def violated(self, *, expected: str, actual: str, because: str) -> Verdict:
        """A violation with these books to look at."""
        evidence = Evidence(ledger=sheet(self.case, self.ledger))
        return violated(expected=expected, actual=actual, because=because, evidence=evidence)

    def count_otherwise(self, expected: Microseconds, because: str) -> Verdict | None:
        """A violation if a counter is off by half a microsecond."""
        pairs = zip(expected, self.counted, strict=True)
        if all(abs(one - other) < HALF_A_MICROSECOND for one, other in pairs):
            return None
        return self.violated(expected=text_of(expected), actual=text_of(self.counted), because=because)

    def tell_otherwise(self, expected: Sequence[str], because: str) -> Verdict | None:
        """A violation if the lines have other texts, or seconds that differ by more than rounding them twice."""
        pairs = zip(told(expected), told(self.lines), strict=False)
        if texts(expected) == texts(self.lines) and all(abs(one - other) < 2 * ROUNDING for one, other in pairs):
            return None
        return self.violated(expected=f"lines {list(expected)}", actual=f"lines {self.lines}", because=because)


def kept(case: Timeline, subject: GuardedSubject) -> Books:
    """The subject's books of a timeline, once they have the form that they should have.

    Raises:
        SubjectFailed: another number of counters than of workers, or a counter that is no finite float (SPEC T1).
    """
    ledger = subject.ledger(case)
    if len(ledger.counters) != len(case.modes):
        raise SubjectFailed(f"keep_ledger returned {len(ledger.counters)} counters for {len(case.modes)} workers")
    for seconds in (getattr(each, name) for each in ledger.counters for name in COMPONENTS):
        if not isinstance(seconds, float) or not math.isfinite(seconds):
            raise SubjectFailed(f"a counter of seconds is {seconds!r}, not a finite float")
    return Books(case, ledger)
