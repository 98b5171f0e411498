"""The packer that searches for the plan with the least work (SPEC G4; answers BUG-E25)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from reference.encoder_graph.least_cost_exact import ExactSearch, State
from reference.encoder_graph.least_cost_runs import cheapest_runs
from reference.encoder_graph.plan import Bin, Limits, Load, split_eager

EXACT_ITEMS = 12
"""So many items and fewer are planned exactly."""
HAND = 10
"""More items are planned in groups of at most so many, each exactly.

Measured on 64 and 512 items: groups of twelve give plans 0.4 % cheaper in 1.6 times the time.
"""


class LeastCost:
    """The cheapest plan by `plan_cost`, exactly for up to twelve items, and near it for more.

    It starts from the cheapest cut of the sorted items into runs, and takes another plan only where that is
    cheaper. So it never costs more than `greedy`, `deferral` or each item alone, whatever the items.

    More than twelve items are dealt into hands of ten or fewer, every hand with the whole range of sizes, and
    each hand is planned exactly; then, three times, bins of much waste are put together and planned anew. The
    work grows about in proportion to the number of items.

    **What is promised** (`promised_ratio`), in multiples of the least possible cost. Up to twelve items: 1.
    More: 2 if the item limit cannot bind, 3 if it can, and in any case no more than `max_items`.

    *Proof for runs.* Let the optimum have the bins 1..m by descending budget B(j), and let T(j) be the tokens
    in its first j bins. Lay the items out in descending order, end to end; segment j reaches from T(j-1) to
    T(j). An item belongs to the segment in which it starts, so the items of a segment are a run.

    1. Every item of segment j fits B(j). Were it larger, so would be all before it; none of them could lie in
       the bins j..m, so they and the item itself would end by T(j-1).
    2. All items of segment j but its last also end in it, so together they fit B(j).
    3. Cut those into bins of `max_items` from the largest item on, and give the last item a bin of its own.
       Beside the full bins that is at most two of B(j): over all segments, at most twice the optimum.
    4. Count the full bins of all segments, largest items first. Before full bin f lie at least the
       (f-1) * `max_items` largest items, which have no fewer tokens than the optimum's first f-1 bins. So the
       bin starts at T(f-1) or later, lies in segment f or a later one, and fits B(f). All full bins together
       cost at most the optimum once more. If the item limit cannot bind, there are none.

    The proof needs a frame limit that cannot bind. Where it can, this is left: a bin of the optimum holds at
    most `max_items` items, and each of them alone costs no more than that bin.

    Raises:
        ValueError: a negative overhead.
    """

    name = "least_cost"

    def __init__(self, overhead: int = 64) -> None:
        if overhead < 0:
            raise ValueError(f"overhead={overhead}: the tokens that a replay costs besides its budget, 0 or more")
        self.overhead = overhead

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        """Graph bins by their smallest item, then the eager ones."""
        graph, eager = split_eager(loads, limits)
        if not graph:
            return eager
        planning = _Planning([loads[index] for index in graph], limits, overhead=self.overhead)
        bins = []
        for places in planning.plan():
            budget = limits.budget_for(sum(loads[graph[place]].tokens for place in places))
            bins.append(Bin(tuple(graph[place] for place in places), budget))
        return bins + eager

    def promised_ratio(self, loads: Sequence[Load], limits: Limits) -> float | None:
        """How far the plan's cost can be above the optimum's, at most; the class says why."""
        graph = [loads[index] for index in split_eager(loads, limits)[0]]
        if len(graph) <= EXACT_ITEMS:
            return 1.0
        if _frames_bind(graph, limits):
            return float(limits.max_items)
        return float(min(limits.max_items, 2 if len(graph) <= limits.max_items else 3))


def _frames_bind(loads: Sequence[Load], limits: Limits) -> bool:
    """Whether the frame limit forbids any bin that the item limit allows."""
    if limits.max_frames is None:
        return False
    longest = sorted((load.frames for load in loads), reverse=True)[: limits.max_items]
    return sum(longest) > limits.max_frames


class _Planning:
    """One call's items, ascending by tokens, each fit for a graph; their places are what plans speak of."""

    def __init__(self, loads: Sequence[Load], limits: Limits, *, overhead: int) -> None:
        if not _frames_bind(loads, limits):
            # Frames that cannot matter would only keep items of equal tokens apart, and the search slow.
            loads = [Load(load.tokens) for load in loads]
            limits = replace(limits, max_frames=None)
        self._loads = loads
        self._limits = limits
        self._overhead = overhead
        self._kinds = sorted(set(loads), key=lambda load: (-load.tokens, -load.frames))
        number = {kind: place for place, kind in enumerate(self._kinds)}
        self._numbers = [number[load] for load in loads]
        self._search = ExactSearch(self._kinds, limits, overhead=overhead)

    def plan(self) -> list[list[int]]:
        """Places of the items, bin by bin."""
        runs = cheapest_runs(self._loads, self._limits, overhead=self._overhead)
        best = [self._state(run) for run in runs]
        if len(self._loads) <= EXACT_ITEMS:
            return self._places(self._replan(best))
        best = min(best, self._hands(), key=self._cost)
        for waste in (self._wasted_share, self._waste, self._wasted_share):
            best = self._regroup(best, waste)
        return self._places(best)

    def _hands(self) -> list[State]:
        """Bins of all items dealt into hands, each hand planned exactly."""
        whole = self._state(range(len(self._loads)))
        hands = -(-len(whole) // HAND)
        bins: list[State] = []
        for first in range(hands):
            hand = whole[first::hands]
            ascending = hand[::-1]
            runs = cheapest_runs([self._kinds[item] for item in ascending], self._limits, overhead=self._overhead)
            bins += self._replan([ascending[run.start : run.stop][::-1] for run in runs])
        return bins

    def _regroup(self, bins: Iterable[State], waste: Callable[[State], float]) -> list[State]:
        """Plan neighbours anew in the order of their waste, as many together as can be planned exactly."""
        done: list[State] = []
        group: list[State] = []
        for bin_ in sorted(bins, key=lambda bin_: (-waste(bin_), bin_)):
            if len(bin_) > HAND:
                done.append(bin_)
                continue
            if sum(map(len, group)) + len(bin_) > HAND:
                done += self._replan(group)
                group = []
            group.append(bin_)
        return done + self._replan(group)

    def _replan(self, bins: list[State]) -> list[State]:
        """The cheapest plan for the items of these bins; these bins themselves if none is cheaper."""
        state = tuple(sorted(item for bin_ in bins for item in bin_))
        return self._search.plan(state, below=self._cost(bins)) or bins

    def _cost(self, bins: Iterable[State]) -> int:
        return sum(map(self._search.cost, bins))

    def _waste(self, bin_: State) -> int:
        return self._search.cost(bin_) - self._search.tokens(bin_)

    def _wasted_share(self, bin_: State) -> float:
        return self._waste(bin_) / self._search.cost(bin_)

    def _state(self, places: Iterable[int]) -> State:
        return tuple(sorted([self._numbers[place] for place in places]))

    def _places(self, bins: Iterable[State]) -> list[list[int]]:
        """Hand each bin its items: of items alike, the earlier goes to the bin that comes first."""
        waiting: list[list[int]] = [[] for _ in self._kinds]
        for place in range(len(self._numbers) - 1, -1, -1):
            waiting[self._numbers[place]].append(place)
        # From the bin of the smallest item up, as greedy does.
        order = sorted(bins, key=lambda bin_: bin_[::-1], reverse=True)
        return [[waiting[number].pop() for number in reversed(bin_)] for bin_ in order]
