"""The shapes of packing: loads and limits in, a plan of bins out (SPEC G3, G4).

Plain integers: no tensor, no model and no graph, so that the whole question runs, and is tested, anywhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Load:
    """What one item asks of a graph: output tokens, and frames (SPEC G4).

    Raises:
        ValueError: fewer than one token or frame.
    """

    tokens: int
    frames: int = 1

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.frames < 1:
            raise ValueError(f"an item needs at least one token and one frame, got {self}: leave empty items out")


@dataclass(frozen=True)
class Limits:
    """What the captured graphs can hold (SPEC G3).

    `budgets` are output tokens, ascending and unique; `max_items` and `max_frames` count over all items
    of one replay, and no frame limit (`None`) means that frames do not matter.

    Raises:
        ValueError: no budget, budgets that are not positive, ascending and unique, or a limit below one.
    """

    budgets: tuple[int, ...]
    max_items: int
    max_frames: int | None = None

    def __post_init__(self) -> None:
        if not self.budgets or self.budgets[0] < 1 or list(self.budgets) != sorted(set(self.budgets)):
            raise ValueError(
                f"budgets={self.budgets!r}: give at least one, all positive, ascending and unique;"
                " tuple(sorted(set(budgets))) brings any list into that form"
            )
        if self.max_items < 1:
            raise ValueError(f"max_items={self.max_items}: a replay holds at least 1 item")
        if self.max_frames is not None and self.max_frames < 1:
            raise ValueError(f"max_frames={self.max_frames}: give at least 1, or None for no limit")

    def budget_for(self, tokens: int) -> int | None:
        """The smallest budget that holds so many tokens; `None` if none does."""
        place = bisect_left(self.budgets, tokens)
        return self.budgets[place] if place < len(self.budgets) else None

    def hold(self, *, tokens: int, items: int, frames: int) -> bool:
        """Whether one replay of the largest graph can take that much."""
        if tokens > self.budgets[-1] or items > self.max_items:
            return False
        return self.max_frames is None or frames <= self.max_frames


@dataclass(frozen=True)
class Bin:
    """One launch: indices into the loads in the order they lie in the buffers, and the budget replayed.

    A bin without a budget is one item that no graph can hold: it runs eager, alone (SPEC G7).
    """

    items: tuple[int, ...]
    budget: int | None


class Packer(Protocol):
    """A rule that groups items into launches (SPEC G4)."""

    name: str
    overhead: int
    """Tokens that one replay costs besides its budget, in the cost that the packer makes its promise of."""

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        """Every item in exactly one bin, every bin within the limits and in the smallest budget that fits."""
        ...

    def promised_ratio(self, loads: Sequence[Load], limits: Limits) -> float | None:
        """How far `plan_cost` of the plan can be above that of the cheapest plan, at most.

        1.0 says that the plan is optimal, `None` that nothing is promised.
        """
        ...


def plan_cost(bins: Sequence[Bin], *, overhead: int) -> int:
    """Tokens of work in the graph bins: the sum of budget and overhead over them.

    Eager bins are left out: the limits settle which items run eager, so they cost every packer the same.
    """
    return sum(bin_.budget + overhead for bin_ in bins if bin_.budget is not None)


def split_eager(loads: Sequence[Load], limits: Limits) -> tuple[list[int], list[Bin]]:
    """Indices that some graph can hold, ascending by tokens, ties in the caller's order; the others eager."""
    order = sorted(range(len(loads)), key=lambda index: loads[index].tokens)
    graph: list[int] = []
    eager: list[Bin] = []
    for index in order:
        load = loads[index]
        if limits.hold(tokens=load.tokens, items=1, frames=load.frames):
            graph.append(index)
        else:
            eager.append(Bin((index,), None))
    return graph, eager
