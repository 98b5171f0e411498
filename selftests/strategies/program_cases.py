"""Program cases to draw from, without a subject."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings

from models.families import family
from suite.contract.program import ProgramCase
from suite.contract.subject import Capabilities
from suite.strategies.cases import Space
from suite.strategies.programs import PROGRAMS

COMPILES = Capabilities(compiles=True, compile_backends=("eager", "aot_eager", "inductor"))


def space(name: str = "toy") -> Space:
    """The space of a family for a subject that compiles."""
    return Space(family(name), COMPILES)


def draw_programs(strategy: str, *, examples: int, see: Callable[[ProgramCase], object], name: str = "toy") -> None:
    """Shows `see` so many cases, the same ones on every run."""

    @seed(0)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(PROGRAMS[strategy](space(name)))
    def show(case: ProgramCase) -> None:
        see(case)

    show()
