"""Engine over real processes: whatever a worker does, the start ends in time, says why, and leaves no process."""

from __future__ import annotations

from collections.abc import Sequence

from suite.contract.calls import SubjectFailed
from suite.contract.engine_case import SILENT, EngineCase
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, unknown, violated
from suite.oracles.left_processes import LeftProcess, watched
from suite.oracles.process_table import can_be_read
from suite.properties.engine_starts import Start, each_good, starts

NEEDS = ("engine_processes",)
COST = 21.0
"""A case takes seconds, and one with a worker that hangs as long as its limit."""
SLACK = 5.0
"""Seconds beyond the limit in which a failing start must have ended what it began."""
AT_ONCE = 0.6
"""Share of the limit within which a failure must be told that shows by itself: nothing is left to be waited for."""


@law(
    "engine_processes/counts-and-tells-alike",
    source=("SPEC T6", "SPEC T7", "BUG-T01"),
    inputs="process_engines",
    needs=NEEDS,
    kind=EngineCase,
    cost=COST,
    ignores="the seconds of the whole, which are real",
)
def counts_and_tells_alike(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """Over real processes, counters are maxima too, and the one line on the start has their form and adds up."""
    with watched():
        return each_good(case, subject, _right)


def _right(start: Start) -> Verdict | None:
    because = "what another process reports gets lost, or comes to the driver in another order"
    if verdict := start.counts_otherwise(because=because):
        return verdict
    line = start.line()
    return line if isinstance(line, Verdict) else start.adds_up(line)


@law(
    "engine_processes/lost-worker-is-told",
    source=("SPEC T6",),
    inputs="lost_workers",
    needs=NEEDS,
    kind=EngineCase,
    cost=COST,
    ignores="how long it takes",
)
def lost_worker_is_told(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """A worker that dies, exits, hangs, stops, raises or reports rubbish fails the start: rank and stage are named."""
    with watched():
        return next((verdict for start in starts(case, subject) if (verdict := _told(start))), holds())


def _told(start: Start) -> Verdict | None:
    if not start.script.troubled:
        return start.must_succeed()
    return start.told_right() or start.left_traces()


@law(
    "engine_processes/failure-comes-in-time",
    source=("SPEC T6",),
    inputs="lost_workers",
    needs=NEEDS,
    kind=EngineCase,
    cost=COST,
    ignores="what the failure says",
)
def failure_comes_in_time(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """A start over a worker that hangs ends within its limit; one that fails by itself, long before it."""
    with watched():
        return next((verdict for start in starts(case, subject) if (verdict := _late(start))), holds())


def _late(start: Start) -> Verdict | None:
    waits = any(script.trouble is not None and script.trouble.what in SILENT for script in start.script.ranks)
    most = start.script.limit + SLACK if waits else start.script.limit * AT_ONCE
    if start.seen.seconds <= most:
        return None
    return violated(
        expected=f"{start.name} is over within {most:g} s: its limit is {start.script.limit} s",
        actual=f"it took {start.seen.seconds:.1f} s, and then {start.seen.error or 'it was ready'}",
        because="a rank is waited for that cannot answer any more, or each wait has a limit of its own",
    )


@law(
    "engine_processes/no-process-stays",
    source=("SPEC T6",),
    inputs="lost_workers",
    needs=NEEDS,
    kind=EngineCase,
    cost=COST,
    ignores="processes that ended and were not waited for",
)
def no_process_stays(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """After a start that failed, or a shutdown, no process is left that was started for it, theirs included."""
    if not can_be_read():
        return unknown("this system does not show its processes under /proc")
    with watched() as watch:
        try:
            subject.run_engine(case)
        except SubjectFailed as failure:
            # Who is left says more than how the call ended.
            return _stays(case, watch.left(), str(failure))
        return _stays(case, watch.left(), "") if case.starts else holds()


def _stays(case: EngineCase, left: Sequence[LeftProcess], failure: str) -> Verdict:
    if not left and not failure:
        return holds()
    return violated(
        expected=f"no process is left of {case}",
        actual="; ".join([*map(str, left), *([failure] if failure else [])]),
        because="a failure ends some processes and not all, or a process that cannot answer is only asked to end",
    )
