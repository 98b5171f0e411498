"""Which items share a launch: three rules behind one interface (SPEC G4), and the front door to packing.

A packer decides nothing but the grouping. `greedy` is the rule of the seed, `deferral` the rule of later
releases; both live here. `least_cost` searches, in files of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reference.encoder_graph.least_cost import LeastCost
from reference.encoder_graph.plan import Bin, Limits, Load, Packer, plan_cost, split_eager

__all__ = ["Bin", "Deferral", "Greedy", "LeastCost", "Limits", "Load", "Packer", "packer", "plan_cost"]


class _Open:
    """The bin being filled, by the rules that fill one bin at a time."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.tokens = 0
        self.frames = 0

    def takes(self, load: Load, limits: Limits) -> bool:
        """Whether the item still fits within the largest graph."""
        return limits.hold(
            tokens=self.tokens + load.tokens, items=len(self.items) + 1, frames=self.frames + load.frames
        )

    def add(self, index: int, load: Load) -> None:
        """Put the item last."""
        self.items.append(index)
        self.tokens += load.tokens
        self.frames += load.frames

    def close(self, limits: Limits) -> Bin:
        """The finished bin, in the smallest budget that fits."""
        return Bin(tuple(self.items), limits.budget_for(self.tokens))


class Greedy:
    """Smallest first, fill until something does not fit (SPEC G4, the seed's rule).

    Nothing is promised, for it weighs no cost. Two items of 40 tokens on the ladder (64, 4096) share one
    replay of 4096 where two replays of 64 would do: 32 times the work.
    """

    name = "greedy"
    overhead = 0

    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        """Graph bins from the smallest item up, then the eager ones."""
        graph, eager = split_eager(loads, limits)
        bins: list[Bin] = []
        current = _Open()
        for index in graph:
            load = loads[index]
            if current.items and not self._joins(current, load, limits):
                bins.append(current.close(limits))
                current = _Open()
            current.add(index, load)
        if current.items:
            bins.append(current.close(limits))
        return bins + eager

    def promised_ratio(self, loads: Sequence[Load], limits: Limits) -> float | None:
        """Nothing is promised."""
        return None

    def _joins(self, current: _Open, load: Load, limits: Limits) -> bool:
        return current.takes(load, limits)


class Deferral(Greedy):
    """Greedy that closes a bin before a budget cliff (SPEC G4, vLLM 0.32 and later; answers BUG-E25).

    The next item waits for a bin of its own when both hold: the bin's budget and the item's own budget are
    together strictly below the budget of the two in one bin, and the item's own budget is at least the bin's.
    The second condition still lets small items walk a large bin over a cliff, so nothing is promised either.
    """

    name = "deferral"

    def _joins(self, current: _Open, load: Load, limits: Limits) -> bool:
        if not current.takes(load, limits):
            return False
        closed = limits.budget_for(current.tokens)
        alone = limits.budget_for(load.tokens)
        together = limits.budget_for(current.tokens + load.tokens)
        if closed is None or alone is None or together is None:
            return False
        return not (closed + alone < together and alone >= closed)


_PACKERS: dict[str, Callable[[], Packer]] = {"greedy": Greedy, "deferral": Deferral, "least_cost": LeastCost}


def packer(name: str) -> Packer:
    """The packer of that name, with its defaults.

    Raises:
        ValueError: no packer has that name.
    """
    if name not in _PACKERS:
        raise ValueError(f"packer {name!r} does not exist: choose one of {', '.join(sorted(_PACKERS))}")
    return _PACKERS[name]()
