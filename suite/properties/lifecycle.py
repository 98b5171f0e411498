"""Life-cycle: graphs can be dropped and captured again."""

from __future__ import annotations

from collections.abc import Iterator

from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.process_state import State, changes, process_kept
from suite.properties.run import Run, in_session


def _held(run: Run) -> tuple[int, int]:
    """Graphs alive and bytes that pools hold, as the device sees them."""
    facts = run.session.facts()
    return facts.graphs_alive, facts.retained_bytes


@law(
    "lifecycle/clear-then-capture",
    source=("SPEC G5", "SPEC G11", "BUG-E19"),
    inputs="histories",
    needs=("lifecycle", "observable", "token_budgets"),
    ignores="the time that a capture takes",
)
def clear_then_capture(case: Case, subject: GuardedSubject) -> Verdict:
    """Cleared: no graph, eager values. Captured again: as many graphs and bytes as before, eager values."""

    def body(run: Run) -> Verdict:
        before = _held(run)
        run.session.clear()
        cleared = _held(run)
        if verdict := run.first_wrong() or run.failed_replay():
            return verdict
        run.session.capture()
        got = (cleared, _held(run))
        want = ((0, 0), before)
        if got != want:
            return violated(
                expected=f"(graphs, bytes) after clear and after the next capture: {want}",
                actual=str(got),
                because="clearing leaves a graph or its pool behind",
            )
        return run.first_wrong() or run.failed_replay() or holds(margin=run.margin)

    return in_session(case, subject, body)


@law(
    "lifecycle/capture-twice",
    source=("SPEC G5", "BUG-E19"),
    inputs="histories",
    needs=("lifecycle", "observable", "token_budgets"),
    ignores="whether the second capture replaces the graphs or leaves them",
)
def capture_twice(case: Case, subject: GuardedSubject) -> Verdict:
    """Capturing what is captured already leaves as many graphs and bytes as before, and eager's values."""

    def body(run: Run) -> Verdict:
        before = _held(run)
        run.session.capture()
        after = _held(run)
        if after != before:
            return violated(
                expected=f"{before} graphs and bytes, as before",
                actual=str(after),
                because="the graphs of the first capture are kept beside those of the second",
            )
        return run.first_wrong() or run.failed_replay() or holds(margin=run.margin)

    return in_session(case, subject, body)


@law(
    "lifecycle/reports-follow",
    source=("SPEC G5", "SPEC G7", "BUG-E19"),
    inputs="histories",
    needs=("lifecycle", "statistics", "memory_report", "token_budgets"),
    ignores="whether a clear starts the counts of items anew",
)
def reports_follow(case: Case, subject: GuardedSubject) -> Verdict:
    """Cleared, no graph and no byte is reported, and every item is a miss; captured again, as many as before."""
    items = sum(len(batch) for batch in case.history)

    def body(run: Run) -> Verdict:
        before = _reported(run)
        run.session.clear()
        cleared = _reported(run)
        missed = _missed(run)
        run.session.capture()
        got, want = (cleared, missed, _reported(run)), ((0, 0), items, before)
        if got != want:
            return violated(
                expected=f"(graphs, bytes) reported when cleared, misses then, and both after the next capture: {want}",
                actual=str(got),
                because="a report is written at the capture, or from the configuration, and not kept up to date",
            )
        return holds()

    return in_session(case, subject, body)


def _reported(run: Run) -> tuple[int, int]:
    """Graphs and bytes, as the subject reports them."""
    return run.session.counts().graphs, sum(run.session.memory().values())


def _missed(run: Run) -> int:
    """Goes through the history: by how much the count of misses grows."""
    before = run.session.counts().misses
    for _ in run.batches():
        pass
    return run.session.counts().misses - before


@law(
    "lifecycle/process-is-left-as-it-was",
    source=("SPEC G11",),
    inputs="histories",
    ignores="inference mode, and the random numbers of accelerators",
)
def process_is_left_as_it_was(case: Case, subject: GuardedSubject) -> Verdict:
    """No call, from start to close, leaves torch's modes, defaults, flags or random numbers other than they were."""
    with process_kept() as before:

        def body(run: Run) -> Verdict:
            calls = _calls(run, may_clear=subject.capabilities.lifecycle)
            return next((verdict for call in calls if (verdict := _left_otherwise(before, call))), holds())

        verdict = in_session(case, subject, body)
        return verdict if verdict.violation else _left_otherwise(before, "close") or verdict


def _calls(run: Run, *, may_clear: bool) -> Iterator[str]:
    """Goes through the life of a session, and stops after each call to name it."""
    yield "start"
    yield from ("encode" for _ in run.batches())
    if may_clear:
        run.session.clear()
        yield "clear"
        yield from ("encode without graphs" for _ in run.batches())
        run.session.capture()
        yield "capture"


def _left_otherwise(before: State, call: str) -> Verdict | None:
    """A violation if the call changed something of the process."""
    changed = changes(before)
    if not changed:
        return None
    return violated(
        expected="the process's state as it was before the session",
        actual=f"after {call} changed: {', '.join(changed)}",
        because="a mode is set and not put back, or random numbers are drawn from the caller's generator",
    )
