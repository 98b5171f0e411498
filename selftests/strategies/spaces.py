"""Spaces to draw from, without a subject and without reading a photograph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from models.api import Grid
from models.families import family
from suite.contract.case import Case
from suite.contract.subject import Capabilities
from suite.strategies.cases import CASES, Space
from suite.strategies.catalogue import cases, unreachable

KINDS = ("toy", "qwen2_vl", "glm4v", "gemma3", "llava")
"""One family of every kind of sizes: clips, fewer frames, images only, and tiles of 4 and of 16 tokens."""
CAPABLE = Capabilities(packers=("greedy", "deferral"), backends=("flash", "bucketed"), video=True)


def space(name: str) -> Space:
    """The space of a family, with three invented photographs if it has an image processor."""
    chosen = family(name)
    sizes = chosen.sizes
    grids = [Grid(frames, *sizes.tile) for frames in (1, 2, 4)] if sizes.tile else [Grid(1, 4, 6), Grid(1, 8, 8)]
    return Space(chosen, CAPABLE, tuple(grids) if chosen.processor else ())


def reachable(name: str) -> list[str]:
    """Names of the strategies that the family has cases of."""
    return [strategy for strategy in CASES if unreachable(strategy, space(name)) is None]


def draw_all(
    strategy: str,
    family_name: str,
    *,
    examples: int,
    see: Callable[[Case], object],
    capabilities: Capabilities = CAPABLE,
) -> None:
    """Shows `see` so many cases for a subject of these capabilities, the same ones on every run."""

    @seed(0)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(strategy, replace(space(family_name), capabilities=capabilities)))
    def show(case: Case) -> None:
        see(case)

    show()
