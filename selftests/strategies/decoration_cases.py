"""Decoration cases to draw from, without a subject."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from suite.contract.decoration import DecorationCase
from suite.contract.subject import Capabilities
from suite.strategies.cases import Space
from suite.strategies.decorations import DECORATIONS

DECORATES = Capabilities(decorates=True, compile_backends=("eager", "aot_eager"))


def space() -> Space:
    """The toy's space for a subject that decorates."""
    return Space(family("toy"), DECORATES)


def draw_decorations(strategy: str, *, examples: int, see: Callable[[DecorationCase], object], number: int = 0) -> None:
    """Shows `see` so many cases, the same ones on every run; another number, other cases."""

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(DECORATIONS[strategy](space()))
    def show(case: DecorationCase) -> None:
        see(case)

    show()
