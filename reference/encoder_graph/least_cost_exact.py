"""The cheapest plan for a dozen items: branch and bound over what joins the largest item (SPEC G4).

A *state* is a tuple of item numbers, largest first. The largest item of a state lies in some bin; the search
tries that bin's contents and solves the rest, which is again a state. Three facts keep it small:

- Cost never grows when an item is taken away or replaced by one that is nowhere larger. So only contents that
  no other content beats are tried (`Fills`).
- Items with equal tokens and frames share one number, so equal states meet in the memory.
- A state's lower bound cuts whatever cannot beat the best plan known so far.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd
from typing import NamedTuple

from reference.encoder_graph.least_cost_fills import Fills
from reference.encoder_graph.plan import Limits, Load

State = tuple[int, ...]
"""Item numbers, ascending, which is largest item first; items alike share a number."""


@dataclass(frozen=True)
class _Answer:
    """What is known of a state: its cost and first bin; or, without a first bin, what it costs at least."""

    cost: int
    first: State = ()
    rest: State = ()


class _Choice(NamedTuple):
    """One content for the first bin; sorts by the lower bound of the whole."""

    bound: int
    spent: int
    first: State
    rest: State


class ExactSearch:
    """Cheapest plans for states over `kinds`: the distinct loads, descending by tokens, then by frames.

    One object remembers every state that it has solved, so overlapping questions are cheap.
    """

    def __init__(self, kinds: Sequence[Load], limits: Limits, *, overhead: int) -> None:
        self._limits = limits
        self._overhead = overhead
        self._tokens = [kind.tokens for kind in kinds]
        # Without a frame limit every item weighs 0 frames of at most 0, which never excludes anything.
        self._frames = [0 if limits.max_frames is None else kind.frames for kind in kinds]
        self._steps = _bound_steps(limits.budgets)
        self._known: dict[State, _Answer] = {(): _Answer(0)}

    def tokens(self, state: State) -> int:
        """Tokens of all items in the state."""
        return sum([self._tokens[item] for item in state])

    def cost(self, bin_: State) -> int:
        """Cost of one bin with these items, in tokens."""
        budgets = self._limits.budgets
        return budgets[bisect_left(budgets, self.tokens(bin_))] + self._overhead

    def plan(self, state: State, *, below: int) -> list[State] | None:
        """The bins of the cheapest plan if one costs less than `below`, else `None`."""
        if self._solve(state, below) >= below:
            return None
        bins: list[State] = []
        while state:
            answer = self._known[state]
            bins.append(answer.first)
            state = answer.rest
        return bins

    def _solve(self, state: State, below: int) -> int:
        """The state's least cost if that is less than `below`, else a lower bound of at least `below`."""
        known = self._known.get(state) or _Answer(self.lower_bound(state))
        if known.first or known.cost >= below or not state:
            return known.cost
        best = _Answer(below)
        for bound, spent, first, rest in self._choices(state, below):
            if bound >= best.cost:
                break
            cost = spent + self._solve(rest, best.cost - spent)
            if cost < best.cost:
                best = _Answer(cost, first, rest)
            if best.cost <= known.cost:
                break
        self._known[state] = best
        return best.cost

    def _choices(self, state: State, below: int) -> list[_Choice]:
        """Contents worth a try for the bin of the largest item, most promising first."""
        tokens = [self._tokens[item] for item in state]
        total, budgets, limits = sum(tokens), self._limits.budgets, self._limits
        fills = Fills(
            tokens,
            [self._frames[item] for item in state],
            max_items=limits.max_items,
            max_frames=limits.max_frames or 0,
        )
        # A plan costs its tokens, its waste and at least this much overhead, which leaves so much for waste.
        most_waste = below - total - self._overhead * -(-len(state) // limits.max_items)
        choices: list[_Choice] = []
        above = 0
        for budget in budgets[bisect_left(budgets, tokens[0]) :]:
            for places in fills.within(budget, above=above, most_waste=most_waste):
                first, rest = _split(state, places)
                bound = budget + self._overhead + self.lower_bound(rest)
                if bound < below:
                    choices.append(_Choice(bound, budget + self._overhead, first, rest))
            if budget >= total:
                break
            above = budget
        choices.sort()
        return choices

    def lower_bound(self, state: State) -> int:
        """Cost that no plan goes below: the budgets that the items force, and the overhead of the bins."""
        tokens, count = self._tokens, len(state)
        asked = forced = place = 0
        for above, budget, unit in self._steps:
            first = place
            while place < count and tokens[state[place]] > above:
                asked += tokens[state[place]]
                place += 1
            if place > first:
                forced = max(forced, budget, -(-asked // unit) * unit)
        limits = self._limits
        bins = max(-(-count // limits.max_items), -(-forced // limits.budgets[-1]))
        if limits.max_frames is not None:
            bins = max(bins, -(-sum([self._frames[item] for item in state]) // limits.max_frames))
        return forced + bins * self._overhead


def _bound_steps(budgets: Sequence[int]) -> list[tuple[int, int, int]]:
    """From the largest budget down: (next smaller budget, budget, divisor of this and all larger ones).

    Items above the smaller budget need bins of this budget or more. Those bins' budgets add up to a multiple
    of the divisor, which makes the bound sharp on a ladder of powers of two.
    """
    descending = budgets[::-1]
    return list(zip((*descending[1:], 0), descending, accumulate(descending, gcd), strict=True))


def _split(state: State, places: Sequence[int]) -> tuple[State, State]:
    """The items in those places, and the others."""
    gone = set(places)
    rest = tuple([item for place, item in enumerate(state) if place not in gone])
    return tuple([state[place] for place in places]), rest
