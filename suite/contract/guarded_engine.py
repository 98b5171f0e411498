"""Starts of an engine behind the guard: within a limit on time, and in the right form."""

from __future__ import annotations

import math
from collections.abc import Sequence

from suite.contract.calls import Guard, SubjectFailed
from suite.contract.engine import EngineSubject, StartSeen
from suite.contract.engine_case import EngineCase
from suite.contract.limited import within_limit
from suite.contract.program import COMPONENTS

HERE_SECONDS = 20.0
"""How long a case without processes may take: it does no real work."""
GRACE_SECONDS = 12.0
"""Beyond its limit, for one start to end what it has begun and to be shut down."""


def run_engine(
    subject: EngineSubject, case: EngineCase, *, guard: Guard, limit_seconds: float | None = None
) -> list[StartSeen]:
    """As `EngineSubject.run_engine`; there is one answer for each start, and the counters are finite numbers.

    Raises:
        SubjectFailed: it raised, did not come back in time, or answered in another form.
    """
    seconds = limit_of(case) if limit_seconds is None else limit_seconds
    with guard.call("run_engine"):
        seen = list(within_limit(lambda: subject.run_engine(case), seconds=seconds, what="the engine"))
    _check(seen, case)
    return seen


def limit_of(case: EngineCase) -> float:
    """Seconds after which the case counts as hung."""
    return sum(start.limit + GRACE_SECONDS for start in case.starts) if case.in_processes else HERE_SECONDS


def _check(seen: Sequence[StartSeen], case: EngineCase) -> None:
    if len(seen) != len(case.starts):
        raise SubjectFailed(f"run_engine returned {len(seen)} answers for {len(case.starts)} starts")
    for number, each in enumerate(seen):
        for name in COMPONENTS:
            seconds: object = getattr(each.counters, name)
            if not isinstance(seconds, float) or not math.isfinite(seconds):
                raise SubjectFailed(f"after start {number} the driver's {name} counter is {seconds!r}, no finite float")
