"""A case's history through a session over ranks, and what a law needs when ranks do not give what they should."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.api import Item
from suite.contract.calls import SubjectFailed
from suite.contract.case import Batch
from suite.contract.guard import GuardedSubject
from suite.contract.guarded_ranks import GuardedRanks
from suite.contract.shard_case import Plant, ShardCase
from suite.contract.sharding import RankAnswer
from suite.contract.sheets import RanksSheet
from suite.contract.verdict import Difference, Evidence, Verdict, violated
from suite.oracles.eager import items, solo, solo_again
from suite.oracles.ranks_sheet import shared_batch
from suite.oracles.tolerance import compare, tolerance

SHARDED = "sharded"
OTHERWISE = "sharded otherwise"
MOST_BATCHES = 4
"""Batches of a sheet, the last ones."""


@dataclass(frozen=True)
class Encoded:
    """One batch of the history, and what every rank made of it."""

    number: int
    batch: Batch
    answers: Sequence[RankAnswer]

    @property
    def outputs(self) -> list[Sequence[Tensor]]:
        """By rank, then by item; a rank that raised has none."""
        return [answer.outputs or () for answer in self.answers]

    def unequal_bits(self) -> Verdict | None:
        """A violation if some rank has other bits than rank 0; None if all are equal."""
        first, *others = self.outputs
        for rank, outputs in enumerate(others, start=1):
            for index, (one, other) in enumerate(zip(outputs, first, strict=True)):
                if not torch.equal(one, other):
                    return violated(
                        expected=f"item {index} of batch {self.number} with the bits of rank 0 on rank {rank}",
                        actual=f"{int((one != other).sum())} / {one.numel()} elements differ, greatest abs "
                        f"{float((one - other).abs().max()):.3g}",
                        because="a rank keeps what it encoded itself, and the others got it through a lossy path",
                    )
        return None


class OverRanks:
    """One session under one case."""

    def __init__(self, case: ShardCase, session: GuardedRanks) -> None:
        self.case = case
        self.session = session
        self.margin = 0.0
        self._seen: dict[int, tuple[RankAnswer, ...]] = {}

    def items(self, batch: Batch) -> list[Item]:
        """Fresh items of one batch."""
        return items(self.case, batch)

    def encode(self, number: int) -> Encoded:
        """One batch of the history; every rank has answered."""
        batch = self.case.history[number]
        answers = self.answers(number)
        return Encoded(number, batch, self.session.checked(answers, self.items(batch)))

    def answers(self, number: int, plant: Plant | None = None) -> list[RankAnswer]:
        """One batch of the history; ranks may have failed. What each of them encoded is kept for the sheet."""
        answers = self.session.answers(self.items(self.case.history[number]), plant)
        # A batch that is encoded again goes to the end: it is the one that is told.
        self._seen.pop(number, None)
        self._seen[number] = tuple(replace(answer, outputs=None) for answer in answers)
        return answers

    def batches(self) -> Iterator[Encoded]:
        """The whole history."""
        for number in range(len(self.case.history)):
            yield self.encode(number)

    def sheet(self) -> RanksSheet | None:
        """The shares of the last batches; None before the first."""
        last = list(self._seen.items())[-MOST_BATCHES:]
        if not last:
            return None
        history = self.case.history
        batches = (shared_batch(self.case.family, number, history[number], answers) for number, answers in last)
        return RanksSheet(batches=tuple(batches))

    def violated(self, *, expected: str, actual: str, because: str, evidence: Evidence | None = None) -> Verdict:
        """As `verdict.violated`, with the shares that were seen."""
        return violated(expected=expected, actual=actual, because=because, evidence=evidence, sheet=self.sheet())

    def told(self, verdict: Verdict | None) -> Verdict | None:
        """A violation that was found without the session, with the shares that were seen."""
        return None if verdict is None else replace(verdict, sheet=self.sheet())

    def first_wrong(self) -> Verdict | None:
        """Runs the whole history; a violation at the first answer of any rank that is not eager's."""
        for done in self.batches():
            if verdict := self.wrong(done):
                return verdict
        return None

    def wrong(self, done: Encoded) -> Verdict | None:
        """A violation if an answer of some rank is not its item's solo run; None if all are."""
        want = [solo(self.case.family, spec) for spec in done.batch]
        for rank, outputs in enumerate(done.outputs):
            for index, output in enumerate(outputs):
                if rank and torch.equal(output, done.outputs[0][index]):
                    continue
                if verdict := self._differs(done, rank, index, output, want):
                    return verdict
        return None

    def _differs(self, done: Encoded, rank: int, index: int, got: Tensor, want: Sequence[Tensor]) -> Verdict | None:
        found = compare(SHARDED, got, want[index], item=index, batch=done.number)
        self.margin = max(self.margin, found.used)
        if not found.mismatched:
            return None
        encoder = [other for other, answer in enumerate(done.answers) if index in answer.encoded]
        return self.violated(
            expected=f"on rank {rank} of {self.case.ranks}, item {index} ({done.batch[index].grid}) of batch "
            f"{done.number} equal to its solo run in eager",
            actual=f"{found.mismatched} / {found.total} elements differ, greatest abs {found.max_abs:.3g} at "
            f"token {found.index[0]}, channel {found.index[1]}; the item was encoded on ranks {encoder}"
            + "".join(f"; these are the values of item {other}" for other in _owners(got, want)),
            because="rows were taken from another item, another rank or the padding, or what a rank encoded is wrong",
            evidence=difference(found, want[index]),
        )

    def unlike(self, got: Encoded, want: Sequence[Tensor], *, what: str, because: str) -> Verdict | None:
        """A violation if rank 0 gives an item other values than it had before, within the tolerance."""
        for index, (one, other) in enumerate(zip(got.outputs[0], want, strict=True)):
            found = compare(OTHERWISE, one, other, item=index, batch=got.number)
            self.margin = max(self.margin, found.used)
            if found.mismatched:
                return self.violated(
                    expected=f"item {index} ({got.batch[index].grid}) of batch {got.number} {what}",
                    actual=f"{found.mismatched} / {found.total} elements differ, greatest abs {found.max_abs:.3g}",
                    because=because,
                    evidence=difference(found, other),
                )
        return None

    def noise(self) -> Difference | None:
        """Eager against eager for the first item of the case."""
        first = next((spec for batch in self.case.history for spec in batch), None)
        if first is None:
            return None
        return compare("eager again", solo_again(self.case.family, first), solo(self.case.family, first))


def _owners(got: Tensor, want: Sequence[Tensor]) -> list[int]:
    """Items whose answer it is."""
    return [
        index
        for index, each in enumerate(want)
        if each.shape == got.shape and not compare(SHARDED, got, each).mismatched
    ]


def difference(found: Difference, want: Tensor) -> Evidence:
    """One arm as the evidence of a violation."""
    return Evidence(arms=(found,), first_arm=found.arm, tolerance=tolerance(want.dtype).as_data())


@contextlib.contextmanager
def over_ranks(case: ShardCase, subject: GuardedSubject, *, ranks: int | None = None) -> Iterator[OverRanks]:
    """A session of the case's setup over its ranks, or over another number of them."""
    with subject.ranks(case.family, case.setup, ranks or case.ranks) as session:
        run = OverRanks(case, session)
        try:
            yield run
        except SubjectFailed as failure:
            failure.sheet = run.sheet()
            raise
