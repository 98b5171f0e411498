"""Timelines to test with, the same ones on every run."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings

from selftests.strategies.spaces import space
from suite.contract.timeline import Timeline
from suite.strategies.timelines import TIMELINES


def draw_timelines(strategy: str, *, examples: int = 100, number: int = 0) -> list[Timeline]:
    """So many timelines of one strategy."""
    drawn: list[Timeline] = []
    see: Callable[[Timeline], None] = drawn.append

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(TIMELINES[strategy](space("toy")))
    def show(case: Timeline) -> None:
        see(case)

    show()
    return drawn
