"""For every law on launches, counts and graphs a session that breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from models.api import Item
from selftests.properties.bookkeeper import Books
from suite.contract.subject import Counts, DeviceFacts, Disturbance, Launch, Where


class _LosesItem(Books):
    """Says nothing of its last launch."""

    def launches(self) -> Sequence[Launch]:
        return self.last[:-1]


class _Overfull(Books):
    """Says that all items ran in the smallest graph."""

    def launches(self) -> Sequence[Launch]:
        return [Launch(tuple(range(len(self.last))), self.budgets[0])]


class _LargestBudget(Books):
    """Replays the largest graph whatever the item."""

    def budget_for(self, item: Item, copies: int = 1) -> int | None:
        budget = super().budget_for(item, copies)
        return budget and self.budgets[-1]


class _PromisesTooMuch(Books):
    """Promises the optimum, and lets only equal neighbours share."""

    def promised_ratio(self, items: Sequence[Item]) -> float | None:
        return 1.0


class _NeverShares(Books):
    """Gives every item a launch of its own."""

    def joins(self, group: Sequence[Item], item: Item) -> bool:
        return False


class _NeverReplays(Books):
    """Captures, and runs everything in eager."""

    def budget_for(self, item: Item, copies: int = 1) -> int | None:
        return None


class _ChangesItsMind(Books):
    """Replays in every other batch."""

    def budget_for(self, item: Item, copies: int = 1) -> int | None:
        return super().budget_for(item, copies) if self.batches % 2 else None


class _CountsTwice(Books):
    """Counts each batch once more."""

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        self.hits += len(items)
        return super().encode(items)


class _WrongRate(Books):
    """Gives the rate in percent."""

    def counts(self) -> Counts:
        counts = super().counts()
        return replace(counts, hit_rate=100 * counts.hit_rate + 1)


class _ZeroMeansInfer(Books):
    """Takes no frames for no limit."""

    def is_too_long(self, item: Item, copies: int) -> bool:
        return bool(self.setup.max_frames) and super().is_too_long(item, copies)


class _Refuses(Books):
    """A device that refused an operation."""

    def facts(self) -> DeviceFacts:
        return replace(super().facts(), refused=("item() in a capture",))


class _DropsGraph(Books):
    """Forgets a graph with the first batch."""

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        outputs = super().encode(items)
        self.graphs = self.graphs[:-1]
        return outputs


class _Escapes(Books):
    """A device that saw a tensor escape."""

    def facts(self) -> DeviceFacts:
        return replace(super().facts(), escaped=("a workspace",))


class _ColdCapture(Books):
    """A device that saw no warm-up."""

    def facts(self) -> DeviceFacts:
        return replace(super().facts(), cold_captures=("budget 4",))


class _BakesNumbers(Books):
    """A device that saw a number become a tensor."""

    def facts(self) -> DeviceFacts:
        return replace(super().facts(), baked_numbers=("model.py:1",))


class _Grows(Books):
    """A byte more per batch."""

    def facts(self) -> DeviceFacts:
        facts = super().facts()
        return replace(facts, retained_bytes=facts.retained_bytes + self.batches)


class GraphPerBatch(Books):
    """A graph more per batch."""

    def facts(self) -> DeviceFacts:
        """Graphs of budgets, and of batches."""
        facts = super().facts()
        return replace(facts, graphs_alive=facts.graphs_alive + self.batches)


class _ForgetsBudget(Books):
    """Leaves the smallest budget out of its memory report."""

    def memory(self) -> dict[int, int]:
        return {budget: held for budget, held in super().memory().items() if budget > self.budgets[0]}


class _CountsThePoolTwice(Books):
    """Reports every byte twice."""

    def memory(self) -> dict[int, int]:
        return {budget: 2 * held for budget, held in super().memory().items()}


class _LeavesGraph(Books):
    """Clearing leaves a graph."""

    def clear(self) -> None:
        self.graphs = self.graphs[:1]


class _CapturesBeside(Books):
    """Capturing again keeps what was there."""

    def capture(self) -> None:
        before = self.graphs
        super().capture()
        self.graphs = [*before, *self.graphs]


class _ReportsItsLadder(Books):
    """Reports bytes for every budget, captured or not."""

    def memory(self) -> dict[int, int]:
        return dict.fromkeys(self.budgets, 1)


class _SeedsItself(Books):
    """Sets the seed of the process."""

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        torch.manual_seed(0)
        return super().encode(items)


class _SwallowsReplayFailure(Books):
    """Does not count a replay that failed."""

    def counts(self) -> Counts:
        return replace(super().counts(), replay_failures=0)


class _SwallowsEagerFailure(Books):
    """Answers a failure of eager with eager."""

    def eager(self, index: int, item: Item) -> Tensor:
        self.armed.pop("eager", None)
        return super().eager(index, item)


class _LeavesHalfACapture(Books):
    """A capture that fails leaves the graphs before it, or takes what failed for a graph."""

    def fail(self, where: Where) -> None:
        try:
            super().fail(where)
        except Disturbance:
            if where != "capture":
                raise


BROKEN_LEDGERS: dict[str, type[Books]] = {
    "packing/every-item-once": _LosesItem,
    "packing/no-limit-exceeded": _Overfull,
    "packing/smallest-budget": _LargestBudget,
    "packing/equal-items-share": _NeverShares,
    "packing/promised-bound": _PromisesTooMuch,
    "packing/fitting-items-are-replayed": _NeverReplays,
    "packing/plan-is-a-function-of-sizes": _ChangesItsMind,
    "fallback/every-item-counted-once": _CountsTwice,
    "fallback/report-is-true": _WrongRate,
    "fallback/video-can-be-off": _ZeroMeansInfer,
    "capture/no-synchronisation": _Refuses,
    "capture/graphs-captured-are-kept": _DropsGraph,
    "capture/nothing-escapes": _Escapes,
    "capture/warmed-up-first": _ColdCapture,
    "capture/no-host-numbers": _BakesNumbers,
    "capture/memory-is-bounded": _Grows,
    "capture/graphs-are-bounded": GraphPerBatch,
    "capture/memory-is-reported": _ForgetsBudget,
    "capture/memory-is-not-overstated": _CountsThePoolTwice,
    "lifecycle/clear-then-capture": _LeavesGraph,
    "lifecycle/capture-twice": _CapturesBeside,
    "lifecycle/reports-follow": _ReportsItsLadder,
    "lifecycle/process-is-left-as-it-was": _SeedsItself,
    "recovery/replay-failure-falls-back": _SwallowsReplayFailure,
    "recovery/eager-failure-passes": _SwallowsEagerFailure,
    "recovery/capture-failure-leaves-nothing": _LeavesHalfACapture,
}
"""By law, the session that it must catch."""
