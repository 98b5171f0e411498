"""A case's history through a session, and what a law needs when its results are not what they should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from models.api import Item
from suite.contract.calls import SubjectFailed
from suite.contract.case import Batch, Case
from suite.contract.guard import GuardedSession, GuardedSubject
from suite.contract.text import arm_text
from suite.contract.verdict import Difference, DrawnBin, DrawnItem, Evidence, Verdict, unknown, violated
from suite.oracles.eager import items, solo, solo_again
from suite.oracles.sizes import tokens
from suite.oracles.tolerance import compare, tolerance

EAGER_AGAIN = "eager again"
PADDED = "eager on padded buffers"
REPLAY = "subject"
AGAINST_ITSELF = "subject against itself"


class Run:
    """One session under one case: batches go through it in order, launches are kept for the drawing.

    Batches are numbered by the history of the case, however often and after whatever else they are encoded: the
    drawing and the texts are of the last time.
    """

    def __init__(self, case: Case, subject: GuardedSubject, session: GuardedSession) -> None:
        self.case = case
        self.session = session
        self._capabilities = subject.capabilities
        self.plan: list[tuple[DrawnBin, ...]] = []
        self.margin = 0.0

    def encode(self, batch: Batch, *, number: int = 0) -> list[Tensor]:
        """The subject's answers for one batch of specs, in the place of that batch of the history."""
        return self.encode_items(batch, items(self.case, batch), number=number)

    def encode_items(self, batch: Batch, given: Sequence[Item], *, number: int = 0) -> list[Tensor]:
        """The same for items that the law wants to keep an eye on."""
        outputs = self.session.encode(given)
        self.plan[number:] = [self._drawing(batch)]
        return outputs

    def batches(self) -> Iterator[tuple[int, Batch, list[Tensor]]]:
        """The whole history, as (number, batch, answers)."""
        for number, batch in enumerate(self.case.history):
            yield number, batch, self.encode(batch, number=number)

    def first_difference(self, batch: Batch, outputs: Sequence[Tensor]) -> Verdict | None:
        """A violation if an answer is not its item's solo run; None if all are."""
        for index, (spec, output) in enumerate(zip(batch, outputs, strict=True)):
            number = len(self.plan) - 1
            found = compare(REPLAY, output, solo(self.case.family, spec), item=index, batch=number)
            self.margin = max(self.margin, found.used)
            if found.mismatched:
                return self._violation(batch, found)
        return None

    def first_wrong(self) -> Verdict | None:
        """Runs the whole history; a violation at the first answer that is not eager's, None if there is none."""
        for _, batch, outputs in self.batches():
            if verdict := self.first_difference(batch, outputs):
                return verdict
        return None

    def failed_replay(self) -> Verdict | None:
        """A violation if a replay failed that nobody told to: eager then gave the right answer for a broken graph."""
        failures = self.session.counts().replay_failures if self._capabilities.statistics else 0
        if not failures:
            return None
        return violated(
            expected="no replay fails",
            actual=f"{failures} failed, and their items were answered by eager",
            because="a graph reads memory that died, or a batch does not fit what was captured",
            evidence=self.evidence(),
        )

    def changed(self, got: Sequence[Tensor], want: Sequence[Tensor], *, what: str, because: str) -> Verdict | None:
        """A violation if two answers of the subject for one batch differ, the last batch being the first of them."""
        for index, (one, other) in enumerate(zip(got, want, strict=True)):
            found = compare(AGAINST_ITSELF, one, other, item=index, batch=len(self.plan) - 1)
            if found.mismatched:
                return violated(
                    expected=f"item {index} of batch {found.batch} {what}",
                    actual=f"{found.mismatched} / {found.total} elements differ, greatest abs {found.max_abs:.3g}",
                    because=because,
                    evidence=self.evidence((found,), first_arm=found.arm, wrong=found),
                )
        return None

    def noise(self) -> Difference | None:
        """Eager against eager for the first item of the case."""
        first = next((spec for batch in self.case.history for spec in batch), None)
        if first is None:
            return None
        return compare(EAGER_AGAIN, solo_again(self.case.family, first), solo(self.case.family, first))

    def _violation(self, batch: Batch, found: Difference) -> Verdict:
        arms = (*self._control_arms(batch, found), found)
        first = next(arm.arm for arm in arms if arm.mismatched)
        if first == EAGER_AGAIN:
            return unknown(f"eager does not repeat itself: {arm_text(arms[0])}; no comparison can be finer")
        spec = batch[found.item]
        return violated(
            expected=f"item {found.item} ({spec.grid}) of batch {found.batch} equal to its solo run in eager",
            actual=f"{found.mismatched} / {found.total} elements differ, greatest abs {found.max_abs:.3g} at "
            f"token {found.index[0]}, channel {found.index[1]}",
            because=REASONS[first],
            evidence=self.evidence(arms, first_arm=first, wrong=found),
        )

    def _control_arms(self, batch: Batch, found: Difference) -> tuple[Difference, ...]:
        spec = batch[found.item]
        want = solo(self.case.family, spec)
        place = {"item": found.item, "batch": found.batch}
        again = compare(EAGER_AGAIN, solo_again(self.case.family, spec), want, **place)
        if not self._capabilities.padded_eager:
            return (again,)
        try:
            padded = self.session.padded_eager(items(self.case, batch))
        except SubjectFailed:
            # The violation stands without this arm; what the arm would say is a second failure, not the first.
            return (again,)
        return (again, compare(PADDED, padded[found.item], want, **place))

    def evidence(
        self,
        arms: tuple[Difference, ...] = (),
        *,
        first_arm: str | None = None,
        wrong: Difference | None = None,
    ) -> Evidence:
        """The drawing of all batches so far, with the wrong rows marked."""
        # Of a subject that does not tell its launches there is nothing to draw.
        plan = list(self.plan) if self._capabilities.token_budgets else []
        if wrong is not None and plan:
            plan[wrong.batch] = tuple(_mark(drawn, wrong) for drawn in plan[wrong.batch])
        dtype = solo(self.case.family, self.case.history[0][0]).dtype if arms else None
        allowed = tolerance(dtype).as_data() if dtype is not None else None
        return Evidence(arms=arms, first_arm=first_arm, tolerance=allowed, plan=tuple(plan))

    def _drawing(self, batch: Batch) -> tuple[DrawnBin, ...]:
        if not self._capabilities.token_budgets:
            return ()
        return tuple(
            DrawnBin(launch.budget, tuple(self._drawn_item(batch, index) for index in launch.items))
            for launch in self.session.launches()
        )

    def _drawn_item(self, batch: Batch, index: int) -> DrawnItem:
        grid = batch[index].grid
        return DrawnItem(index, str(grid), tokens(self.case.family, grid))


def _mark(drawn: DrawnBin, wrong: Difference) -> DrawnBin:
    start = 0
    for item in drawn.items:
        if item.index == wrong.item and wrong.rows:
            span = (start + wrong.rows[0], start + wrong.rows[-1])
            return DrawnBin(drawn.budget, drawn.items, (span,))
        start += item.tokens
    return drawn


REASONS = {
    PADDED: "the padded buffers alone give it in eager: suspect padding, metadata or packing, not the capture",
    REPLAY: "eager agrees with itself (and on the padded buffers, where the subject has that arm): suspect what "
    "was captured - an address, a baked value, memory shared with another graph, rows left over",
}

Body = Callable[[Run], Verdict]


def kept(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Copies, to be compared with a later answer.

    A subject that goes on writing into its answers is the ownership laws' matter: elsewhere two answers in the same
    memory would always be equal, and hide what a law looks for.
    """
    return [output.clone() for output in outputs]


def in_session(case: Case, subject: GuardedSubject, body: Body) -> Verdict:
    """Runs the body of a law in one session of the case's setup."""
    with subject.session(case.family, case.setup) as session:
        return body(Run(case, subject, session))
