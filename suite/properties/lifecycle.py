"""Life-cycle: graphs can be dropped and captured again."""

from __future__ import annotations

from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.properties.run import Run, in_session


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
        before = run.session.facts()
        run.session.clear()
        cleared = run.session.facts()
        if verdict := run.first_wrong():
            return verdict
        run.session.capture()
        after = run.session.facts()
        if cleared.graphs_alive or (after.graphs_alive, after.retained_bytes) != (
            before.graphs_alive,
            before.retained_bytes,
        ):
            return violated(
                expected=f"0 graphs after clear; then {before.graphs_alive} and {before.retained_bytes} bytes again",
                actual=f"{cleared.graphs_alive}; then {after.graphs_alive} and {after.retained_bytes} bytes",
                because="clearing leaves a graph or its pool behind",
            )
        return run.first_wrong() or holds(margin=run.margin)

    return in_session(case, subject, body)
