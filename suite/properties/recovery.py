"""Recovery: after a failure in a replay, in eager or in a capture, a session carries on."""

from __future__ import annotations

from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.subject import DeviceFacts, Disturbance, Launch
from suite.contract.verdict import Verdict, holds, violated
from suite.properties.run import Run, in_session


def _launches(run: Run) -> list[Launch]:
    return [launch for _ in run.batches() for launch in run.session.launches()]


@law(
    "recovery/replay-failure-falls-back",
    source=("SPEC G6", "SPEC G7"),
    inputs="histories",
    needs=("disturbable", "statistics", "token_budgets"),
    ignores="what is logged",
)
def replay_failure_falls_back(case: Case, subject: GuardedSubject) -> Verdict:
    """A replay that raises, first or last, is answered by eager, counted as a failure and as misses, and forgotten."""
    items = sum(len(batch) for batch in case.history)

    def body(run: Run) -> Verdict:
        planned = _launches(run)
        replayed = [len(launch.items) for launch in planned if launch.budget is not None]
        failing = sorted({0, len(replayed) - 1} & {*range(len(replayed))})
        for after in failing:
            run.session.fail_next("replay", after=after)
            if verdict := run.first_wrong():
                return verdict
        counts = run.session.counts()
        passes = 1 + len(failing)
        most = passes * sum(replayed) - sum(replayed[after] for after in failing)
        got = (counts.replay_failures, min(most, counts.hits), counts.hits + counts.misses)
        want = (len(failing), counts.hits, passes * items)
        if got != want:
            return violated(
                expected=f"{len(failing)} failures, at most {most} hits, {passes * items} items in {passes} passes",
                actual=f"{counts.replay_failures} failures, {counts.hits} hits, {counts.hits + counts.misses} items",
                because="a failure is not counted, or the items of a failed replay are counted twice or as hits",
            )
        if (again := _launches(run)) != planned:
            return violated(
                expected=f"the launches of before the failure: {planned}",
                actual=str(again),
                because="one failed replay closes the way to the graphs for good",
            )
        return run.first_wrong() or holds(margin=run.margin)

    return in_session(case, subject, body)


@law(
    "recovery/eager-failure-passes",
    source=("SPEC G6", "SPEC G7"),
    inputs="oversized",
    needs=("disturbable", "statistics", "token_budgets"),
    ignores="the wording of the exception",
)
def eager_failure_passes(case: Case, subject: GuardedSubject) -> Verdict:
    """A failure of the eager path reaches the caller, its items are not counted, and the next batch is right."""

    def body(run: Run) -> Verdict:
        run.session.fail_next("eager")
        try:
            run.encode(case.history[0])
        except Disturbance:
            counts = run.session.counts()
        else:
            return violated(
                expected="the failure of the eager path reaches the caller",
                actual="encode returned as if nothing had happened",
                because="an exception is swallowed where nothing can answer in its place",
            )
        if counts.hits + counts.misses >= len(case.history[0]):
            return violated(
                expected=f"fewer than {len(case.history[0])} items counted: not all ran",
                actual=f"{counts.hits} hits and {counts.misses} misses",
                because="items are counted before they ran",
            )
        return run.first_wrong() or holds(margin=run.margin)

    return in_session(case, subject, body)


@law(
    "recovery/capture-failure-leaves-nothing",
    source=("SPEC G5", "BUG-G19"),
    inputs="histories",
    needs=("disturbable", "lifecycle", "observable", "token_budgets"),
    ignores="failures of the warm-up",
)
def capture_failure_leaves_nothing(case: Case, subject: GuardedSubject) -> Verdict:
    """A capture that raises, the first or the last, leaves no graph; eager answers; the next capture works."""

    def body(run: Run) -> Verdict:
        before = run.session.facts()
        last = len(run.session.bounds().budgets) - 1
        for after in {0, last}:
            if verdict := _capture_fails(run, after, before):
                return verdict
        return run.first_wrong() or holds(margin=run.margin)

    return in_session(case, subject, body)


def _capture_fails(run: Run, after: int, before: DeviceFacts) -> Verdict | None:
    """What is wrong after a capture whose graph number `after`, from 0, could not be captured."""
    run.session.clear()
    run.session.fail_next("capture", after=after)
    try:
        run.session.capture()
    except Disturbance:
        failed = run.session.facts()
    else:
        return violated(
            expected="the failure of the capture reaches the caller",
            actual="capture returned as if nothing had happened",
            because="a failed capture is taken for a captured graph",
        )
    if verdict := run.first_wrong():
        return verdict
    run.session.capture()
    again = run.session.facts()
    got = (failed.graphs_alive, again.graphs_alive, again.retained_bytes)
    want = (0, before.graphs_alive, before.retained_bytes)
    if got == want:
        return None
    return violated(
        expected=f"graphs after the failure, graphs and bytes after the next capture: {want}",
        actual=str(got),
        because="a failed capture leaks its graph or its pool",
    )
