"""Staleness: a session's past leaves no trace in its answers."""

from __future__ import annotations

from collections.abc import Sequence

from models.api import Item
from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds
from suite.oracles.eager import items
from suite.properties.run import Run, in_session, kept


@law(
    "staleness/history-does-not-matter",
    source=("SPEC G6", "BUG-E02", "BUG-E03", "BUG-G13"),
    inputs="histories",
    everywhere=True,
    ignores="whether the values are right: only whether the past shows in them",
)
def history_does_not_matter(case: Case, subject: GuardedSubject) -> Verdict:
    """The last batch gives what a fresh session gives for it."""
    with subject.session(case.family, case.setup) as session:
        fresh = kept(Run(case, subject, session).encode(case.history[-1]))

    def body(run: Run) -> Verdict:
        *_, (_, _, outputs) = run.batches()
        because = "something of an earlier batch is still read: rows, metadata, or a key that is too coarse"
        return run.changed(outputs, fresh, what="as a fresh session gives it", because=because) or holds()

    return in_session(case, subject, body)


@law(
    "staleness/repeat-agrees",
    source=("SPEC G6", "BUG-G05"),
    inputs="histories",
    everywhere=True,
    ignores="batches that the history does not hold",
)
def repeat_agrees(case: Case, subject: GuardedSubject) -> Verdict:
    """Going through the history a second time gives every result again."""

    def body(run: Run) -> Verdict:
        first = [kept(outputs) for _, _, outputs in run.batches()]
        because = "a graph's memory, a workspace or a buffer was changed by the batches in between"
        for number, _, outputs in run.batches():
            if verdict := run.changed(outputs, first[number], what="as it came the first time", because=because):
                return verdict
        return holds()

    return in_session(case, subject, body)


@law(
    "staleness/long-histories",
    source=("SPEC G6", "BUG-E02", "BUG-G05"),
    inputs="marches",
    ignores="batches of several items: the other laws have them",
)
def long_histories(case: Case, subject: GuardedSubject) -> Verdict:
    """Every item of dozens of requests, most of other sizes than the last, equals its solo run in eager."""

    def body(run: Run) -> Verdict:
        return run.first_wrong() or run.failed_replay() or holds(margin=run.margin)

    return in_session(case, subject, body)


@law(
    "staleness/overwritten-pixels-are-read",
    source=("SPEC G6", "BUG-E02", "BUG-G13"),
    inputs="mixes",
    ignores="pixels that change while they are being encoded",
)
def overwritten_pixels_are_read(case: Case, subject: GuardedSubject) -> Verdict:
    """A batch whose tensors are overwritten in place, in one row each, gives what a fresh session gives for it."""
    batch = case.history[0]
    with subject.session(case.family, case.setup) as session:
        fresh = kept(session.encode(_overwritten(items(case, batch))))

    def body(run: Run) -> Verdict:
        given = items(case, batch)
        run.encode_items(batch, given)
        again = run.encode_items(batch, _overwritten(given))
        because = "an item is known by its tensor, its size or a part of its pixels, and an earlier answer is given"
        return run.changed(again, fresh, what="as a fresh session gives it", because=because) or holds()

    return in_session(case, subject, body)


def _overwritten(given: Sequence[Item]) -> Sequence[Item]:
    """The same tensors, with other values in the middle row: what is known of the first or the last row holds on."""
    for item in given:
        item.pixels[len(item.pixels) // 2] += 1
    return given
