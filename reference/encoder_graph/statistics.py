"""What happened to the items, each counted once (SPEC G7)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Statistics:
    """A snapshot: `hits + misses` is the number of items executed."""

    hits: int
    misses: int
    replay_failures: int
    """Replays that raised; their items were answered by eager and are misses."""
    budgets: tuple[int, ...]
    graphs_captured: int

    @property
    def hit_rate(self) -> float:
        """Share of the executed items that a replay answered; 0.0 before the first item."""
        executed = self.hits + self.misses
        return self.hits / executed if executed else 0.0


class Counters:
    """The manager's own tally."""

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.replay_failures = 0

    def hit(self, items: int) -> None:
        """Counts items that a replay answered."""
        self.hits += items

    def miss(self, items: int) -> None:
        """Counts items that eager answered."""
        self.misses += items

    def replay_failed(self) -> None:
        """Counts a replay that raised."""
        self.replay_failures += 1

    def snapshot(self, *, budgets: tuple[int, ...], graphs_captured: int) -> Statistics:
        """The state of the counters now."""
        return Statistics(
            hits=self.hits,
            misses=self.misses,
            replay_failures=self.replay_failures,
            budgets=budgets,
            graphs_captured=graphs_captured,
        )
