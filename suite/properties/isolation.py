"""Isolation: an item's result depends on the item alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from models.api import Item
from suite.contract.case import Batch, Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.eager import items
from suite.properties.run import Run, in_session, kept


def _reseeded(batch: Batch) -> Batch:
    return tuple(replace(spec, seed=spec.seed + 1000) for spec in batch)


def _not_a_number(batch: Batch) -> Batch:
    return tuple(replace(spec, fill=float("nan")) for spec in batch)


@law(
    "isolation/batch-mates-do-not-matter",
    source=("SPEC G6", "BUG-G07", "BUG-G27"),
    inputs="mixes",
    everywhere=True,
    ignores="whether the values are right: only whether they depend on others",
)
def batch_mates_do_not_matter(case: Case, subject: GuardedSubject) -> Verdict:
    """Changing the pixels of all other items of a batch, to NaN even, leaves an item's result as it was."""

    def body(run: Run) -> Verdict:
        batch = case.history[0]
        before = kept(run.encode(batch))
        because = "rows of other items reach this item: segment boundaries, a reduction over the batch, or padding"
        for mates in (_reseeded(batch[1:]), _not_a_number(batch[1:])):
            after = run.encode((*batch[:1], *mates))
            if verdict := run.changed(after[:1], before[:1], what="as it was among other mates", because=because):
                return verdict
        return holds()

    return in_session(case, subject, body)


@law(
    "isolation/not-a-number-stays-at-home",
    source=("SPEC G6", "BUG-E01", "BUG-G07"),
    inputs="histories",
    everywhere=True,
    ignores="what the item with NaN pixels itself gives",
)
def not_a_number_stays_at_home(case: Case, subject: GuardedSubject) -> Verdict:
    """After a batch whose pixels are all NaN, every later batch still equals eager."""

    def body(run: Run) -> Verdict:
        largest: Batch = max(case.history, key=len, default=())
        run.encode(_not_a_number(largest))
        return run.first_wrong() or holds(margin=run.margin)

    return in_session(case, subject, body)


@law(
    "isolation/sessions-are-independent",
    source=("SPEC G2", "BUG-E02", "BUG-G05", "BUG-G06"),
    inputs="histories",
    needs=("several_sessions",),
    ignores="sessions in several threads",
)
def sessions_are_independent(case: Case, subject: GuardedSubject) -> Verdict:
    """A second session that lives, encodes and ends beside a first one changes none of its answers."""

    def body(run: Run) -> Verdict:
        other = replace(case, setup=replace(case.setup, budgets=(2 * case.setup.budgets[-1],)))
        with subject.session(other.family, other.setup) as session:
            beside = Run(other, subject, session)
            for (_, batch, first), (_, _, second) in zip(run.batches(), beside.batches(), strict=True):
                if verdict := run.first_difference(batch, first) or beside.first_difference(batch, second):
                    return verdict
        return run.first_wrong() or holds(margin=run.margin)

    return in_session(case, subject, body)


def _rows(given: Sequence[Item]) -> list[int]:
    return [len(item.pixels) for item in given]


def _misshapen(first: Item, others: Sequence[Item]) -> Iterator[list[Item]]:
    """The batch with a row less, a row more, and a row that went over to the next item."""
    short, row = replace(first, pixels=first.pixels[:-1]), first.pixels[-1:]
    yield [short, *others]
    yield [replace(first, pixels=torch.cat([first.pixels, row])), *others]
    for second in others[:1]:
        yield [short, replace(second, pixels=torch.cat([row, second.pixels])), *others[1:]]


@law(
    "isolation/misshapen-item-is-refused",
    source=("SPEC G6", "SPEC G7"),
    inputs="mixes",
    needs=("checks_inputs",),
    ignores="the wording of the refusal",
)
def misshapen_item_is_refused(case: Case, subject: GuardedSubject) -> Verdict:
    """An item with a row too few or too many is refused, also if the rows add up; the next batch is right."""

    def body(run: Run) -> Verdict:
        batch = case.history[0]
        first, *others = items(case, batch)
        for wrong in _misshapen(first, others):
            if run.session.refusal(wrong) is None:
                return violated(
                    expected=f"{_rows(wrong)} rows of pixels refused: the grids have {_rows([first, *others])}",
                    actual="answered as if nothing were wrong",
                    because="rows are counted from the grid and taken from the pixels: all later items shift",
                )
        return run.first_wrong() or holds(margin=run.margin)

    return in_session(case, subject, body)


@law(
    "isolation/order-does-not-matter",
    source=("SPEC G4", "SPEC G6"),
    inputs="mixes",
    everywhere=True,
    ignores="orders other than the reverse",
)
def order_does_not_matter(case: Case, subject: GuardedSubject) -> Verdict:
    """Reversing a batch reverses its results and changes nothing else."""

    def body(run: Run) -> Verdict:
        batch = case.history[0]
        forward = kept(run.encode(batch))
        backward = run.encode(batch[::-1])
        because = "results are handed back in the order of packing, or an item's place in the buffer matters"
        return (
            run.changed(backward, forward[::-1], what="as it was before the batch was reversed", because=because)
            or holds()
        )

    return in_session(case, subject, body)
