"""Life-cycle: graphs can be dropped and captured again."""

from __future__ import annotations

from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
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
