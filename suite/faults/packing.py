"""Faults of packing: a packer that loses, doubles, overfills, wastes or promises too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from models.api import Capacity, Item
from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.manager import EncoderCudaGraphManager
from reference.encoder_graph.packing import Bin, Deferral, Greedy, LeastCost, Limits, Load, Packer, _Open, packer
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _LargestBudget(Greedy):
    """Replays every bin in the largest graph, which always fits."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        return [Bin(planned.items, planned.budget and limits.budgets[-1]) for planned in super().pack(loads, limits)]


class _BoundaryOnBothSides(Greedy):
    """Lets `tokens <= largest` into graphs and sends `tokens >= largest` to eager."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        oversized = [index for index, load in enumerate(loads) if load.tokens == limits.budgets[-1]]
        return super().pack(loads, limits) + [Bin((index,), None) for index in oversized]


class _BrimIsTooFull(Greedy):
    """Compares with `<` where `<=` is meant, so a bin that fills the largest graph exactly is turned away."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        bins = super().pack(loads, limits)
        full = [sum(loads[index].tokens for index in planned.items) == limits.budgets[-1] for planned in bins]
        return [Bin(planned.items, None) if is_full else planned for planned, is_full in zip(bins, full, strict=True)]


class _OversizedTogether(Greedy):
    """Runs all items that fit no graph in one eager launch, whose memory then has no bound."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        bins = super().pack(loads, limits)
        oversized = tuple(index for planned in bins if planned.budget is None for index in planned.items)
        graphed = [planned for planned in bins if planned.budget is not None]
        return [*graphed, Bin(oversized, None)] if oversized else graphed


class _LearnsFromWaste(Greedy):
    """Packs every item alone from the first bin on that was less than half full."""

    def __init__(self) -> None:
        self._wasteful = False

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        packed = super().pack(loads, replace(limits, max_items=1) if self._wasteful else limits)
        for planned in packed:
            tokens = sum(loads[index].tokens for index in planned.items)
            self._wasteful |= planned.budget is not None and 2 * tokens < planned.budget
        return packed


class _OneByOne(Greedy):
    """Gives every item a replay of its own and calls that optimal, for no token is wasted."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        return super().pack(loads, replace(limits, max_items=1))

    def promised_ratio(self, loads: Sequence[Load], limits: Limits) -> float | None:
        return 1.0


class _NeverShares(Greedy):
    """Gives every item a replay of its own and promises nothing."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        return super().pack(loads, replace(limits, max_items=1))


class _ClosesHalfFull(Greedy):
    """Compares twice the tokens with the largest budget, to have room for a large item that may come."""

    def _joins(self, current: _Open, load: Load, limits: Limits) -> bool:
        return super()._joins(current, load, limits) and 2 * current.tokens < limits.budgets[-1]


class _DefersByTokens(Deferral):
    """Weighs budgets against each other and forgets the limit on items on the way."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        return super().pack(loads, replace(limits, max_items=len(loads) + 1))


class _CrowdDealtTwice(LeastCost):
    """Deals more than a dozen items into hands, and the item where two hands meet into both."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        bins = super().pack(loads, limits)
        return [*bins, Bin(bins[0].items[:1], bins[0].budget)] if len(loads) > 12 else bins


def _only(name: str, wrong: Callable[[], Packer]) -> injection.MakeParts:
    """One of the packers wrong, and the others as they are."""
    return lambda: Parts(packer=lambda wanted: wrong() if wanted == name else packer(wanted))


def _two_frames(manager: EncoderCudaGraphManager, config: EncoderGraphConfig) -> None:
    """Has a constant where a limit on frames is to be inferred (BUG-E13)."""
    if config.encoder_cudagraph_max_frames_per_batch is None:
        manager.limits = replace(manager.limits, max_frames=2)


class _LimitOnlyReported(EncoderCudaGraphManager):
    """Plans and captures for as many items as a budget has tokens; the limit on items is only reported."""

    def capacity(self, budget: int) -> Capacity:
        return replace(super().capacity(budget), items=budget)

    def plan(self, items: Sequence[Item]) -> list[Bin]:
        reported, self.limits = self.limits, replace(self.limits, max_items=self.limits.budgets[-1])
        try:
            return super().plan(items)
        finally:
            self.limits = reported


class _FramesNotCounted(Greedy):
    """Packs by tokens and items only: a bin with too many frames fails in the replay (BUG-E12)."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        return super().pack(loads, replace(limits, max_frames=None))


class _ClipsAlwaysEager(EncoderCudaGraphManager):
    """Never graphs a clip, whatever the frame limit is (BUG-E21)."""

    def _is_graphed(self, item: Item) -> bool:
        return super()._is_graphed(item) and item.modality == "image"


FAULTS = (
    Fault(
        id="packing/largest-budget",
        breaks="every replay runs in the largest graph",
        caught_by=("packing/smallest-budget",),
        parts=injection.packing(_LargestBudget),
        source="BUG-E25",
        sampled=True,
    ),
    Fault(
        id="packing/boundary-on-both-sides",
        breaks="an item that fills the largest graph exactly is replayed and run in eager as well",
        caught_by=("packing/every-item-once",),
        parts=injection.packing(_BoundaryOnBothSides),
    ),
    Fault(
        id="packing/brim-is-too-full",
        breaks="items that fill the largest graph exactly run in eager",
        caught_by=("packing/fitting-items-are-replayed",),
        parts=injection.packing(_BrimIsTooFull),
    ),
    Fault(
        id="packing/oversized-together",
        breaks="items that fit no graph share one eager launch without a limit",
        caught_by=("packing/fitting-items-are-replayed",),
        parts=injection.packing(_OversizedTogether),
    ),
    Fault(
        id="packing/learns-from-waste",
        breaks="the plan depends on how full earlier bins were",
        caught_by=("packing/plan-is-a-function-of-sizes",),
        parts=injection.packing(_LearnsFromWaste),
    ),
    Fault(
        id="packing/one-by-one",
        breaks="a plan that never shares a replay is called optimal",
        caught_by=("packing/promised-bound",),
        parts=injection.packing(_OneByOne),
        source="BUG-E25",
    ),
    Fault(
        id="packing/never-shares",
        breaks="no two items ever share a replay",
        caught_by=("packing/equal-items-share",),
        parts=injection.packing(_NeverShares),
    ),
    Fault(
        id="packing/closes-half-full",
        breaks="a replay takes no further item once half of the largest graph is filled",
        caught_by=("packing/equal-items-share",),
        parts=injection.packing(_ClosesHalfFull),
    ),
    Fault(
        id="packing/overhead-left-out",
        breaks="the search minimises tokens and forgets what a launch costs",
        caught_by=("packing/promised-bound",),
        parts=lambda: Parts(packer=lambda _: LeastCost(overhead=0)),
    ),
    Fault(
        id="packing/defers-by-tokens",
        breaks="a packer that is not the default overfills replays, which fail",
        caught_by=("packing/fitting-items-are-replayed",),
        parts=_only("deferral", _DefersByTokens),
        source="BUG-E12",
    ),
    Fault(
        id="packing/crowd-dealt-twice",
        breaks="of more than a dozen items one is replayed twice",
        caught_by=("packing/every-item-once",),
        parts=_only("least_cost", _CrowdDealtTwice),
    ),
    Fault(
        id="packing/two-frames",
        breaks="the inferred limit on frames has no room for longer clips, which run in eager",
        caught_by=("packing/fitting-items-are-replayed",),
        parts=injection.manager_changed(_two_frames),
        source="BUG-E13",
    ),
    Fault(
        id="packing/limit-only-reported",
        breaks="the limit on items binds neither plans nor captures",
        caught_by=("packing/no-limit-exceeded",),
        parts=lambda: Parts(manager=_LimitOnlyReported),
        source="BUG-E12",
    ),
    Fault(
        id="packing/frames-not-counted",
        breaks="clips are packed without asking for their frames, and the replay fails",
        caught_by=("values/videos", "packing/fitting-items-are-replayed"),
        parts=injection.packing(_FramesNotCounted),
        source="BUG-E12",
    ),
    Fault(
        id="packing/clips-always-eager",
        breaks="clips never reach a graph",
        caught_by=("packing/fitting-items-are-replayed",),
        parts=lambda: Parts(manager=_ClipsAlwaysEager),
        source="BUG-E21",
    ),
)
