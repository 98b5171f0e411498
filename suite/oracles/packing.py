"""What any packing must satisfy, and the exact optimum by trying every partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from suite.contract.subject import Bounds, Launch

EXACT_ITEMS = 9
"""Above this many items the optimum is not computed: 3^n partitions."""


@dataclass(frozen=True)
class Load:
    """What one item asks of a graph."""

    tokens: int
    frames: int


def fits(loads: Sequence[Load], bounds: Bounds, budget: int) -> bool:
    """Whether the items fit one replay of the budget: tokens, items and frames."""
    frames = sum(load.frames for load in loads)
    return (
        sum(load.tokens for load in loads) <= budget
        and len(loads) <= bounds.max_items
        and (bounds.max_frames is None or frames <= bounds.max_frames)
    )


def smallest_budget(loads: Sequence[Load], bounds: Bounds) -> int | None:
    """The smallest budget that holds the items together; None if none does."""
    return next((budget for budget in sorted(bounds.budgets) if fits(loads, bounds, budget)), None)


def cost(launches: Sequence[Launch], overhead: int) -> int:
    """Sum over replays of the chosen budget and the overhead; eager launches cost the same in every plan."""
    return sum(launch.budget + overhead for launch in launches if launch.budget is not None)


def optimum(loads: Sequence[Load], bounds: Bounds, overhead: int) -> int:
    """The least cost of any partition of the items that fit a graph alone.

    Raises:
        ValueError: more than `EXACT_ITEMS` items.
    """
    graphed = [load for load in loads if smallest_budget([load], bounds) is not None]
    if len(graphed) > EXACT_ITEMS:
        raise ValueError(f"{len(graphed)} items: the exact optimum is computed for at most {EXACT_ITEMS}")

    @cache
    def best(left: int) -> int:
        if not left:
            return 0
        first = left & -left
        costs = []
        group = left
        while group:
            if group & first:
                budget = smallest_budget(_members(graphed, group), bounds)
                if budget is not None:
                    costs.append(budget + overhead + best(left ^ group))
            group = (group - 1) & left
        return min(costs)

    return best((1 << len(graphed)) - 1)


def _members(loads: Sequence[Load], group: int) -> list[Load]:
    return [load for position, load in enumerate(loads) if group >> position & 1]
