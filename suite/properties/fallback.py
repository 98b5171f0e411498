"""Fallback and statistics: what does not fit runs in eager, and every item is counted once."""

from __future__ import annotations

from dataclasses import replace

from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.sizes import is_video
from suite.properties.run import Run, in_session


@law(
    "fallback/every-item-counted-once",
    source=("SPEC G7",),
    inputs="histories",
    needs=("statistics", "token_budgets"),
    ignores="the time of counting within a batch",
)
def every_item_counted_once(case: Case, subject: GuardedSubject) -> Verdict:
    """After each batch, hits are the items seen in replays, misses the items seen in eager, since the start."""

    def body(run: Run) -> Verdict:
        hits = misses = 0
        for _ in run.batches():
            launches = run.session.launches()
            hits += sum(len(launch.items) for launch in launches if launch.budget is not None)
            misses += sum(len(launch.items) for launch in launches if launch.budget is None)
            counts = run.session.counts()
            if (counts.hits, counts.misses) != (hits, misses):
                return violated(
                    expected=f"{hits} hits and {misses} misses",
                    actual=f"{counts.hits} hits and {counts.misses} misses",
                    because="items are counted per launch, twice, before they ran, or not at all",
                    evidence=run.evidence(),
                )
        return holds()

    return in_session(case, subject, body)


@law(
    "fallback/report-is-true",
    source=("SPEC G7",),
    inputs="histories",
    needs=("statistics", "token_budgets"),
    ignores="rounding of the rate below 1e-6",
)
def report_is_true(case: Case, subject: GuardedSubject) -> Verdict:
    """Hit rate, budgets and graphs captured in the report are those of the session."""

    def body(run: Run) -> Verdict:
        for _ in run.batches():
            pass
        counts, bounds = run.session.counts(), run.session.bounds()
        executed = sum(len(batch) for batch in case.history)
        rate = counts.hits / executed if executed else 0.0
        got = (counts.budgets, counts.graphs, counts.replay_failures, counts.hits + counts.misses)
        want = (bounds.budgets, len(bounds.budgets), 0, executed)
        if got != want or abs(counts.hit_rate - rate) > 1e-6:
            return violated(
                expected=f"budgets, graphs, failures, items {want} and rate {rate:.6f}",
                actual=f"{got} and rate {counts.hit_rate:.6f}",
                because="a figure of the report is computed from something else than what ran",
            )
        return holds()

    return in_session(case, subject, body)


@law(
    "fallback/video-can-be-off",
    source=("SPEC G1", "SPEC G11", "BUG-E13"),
    inputs="videos",
    needs=("video", "token_budgets", "configurable"),
    everywhere=True,
    ignores="images, which stay in graphs",
)
def video_can_be_off(case: Case, subject: GuardedSubject) -> Verdict:
    """With a frame limit of zero, clips run in eager with the same values; zero does not mean 'infer'."""
    off = replace(case, setup=replace(case.setup, max_frames=0))

    def body(run: Run) -> Verdict:
        for _, batch, outputs in run.batches():
            graphed = [i for launch in run.session.launches() if launch.budget is not None for i in launch.items]
            if clips := [index for index in graphed if is_video(batch[index])]:
                return violated(
                    expected="clips in eager",
                    actual=f"clips {clips} were replayed",
                    because="a frame limit of 0 is taken for 'no limit given'",
                    evidence=run.evidence(),
                )
            if verdict := run.first_difference(batch, outputs):
                return verdict
        return holds(margin=run.margin)

    return in_session(off, subject, body)
