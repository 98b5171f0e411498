"""What the counters of an engine must be after its start, from the scripts of its ranks alone (SPEC T5, T6)."""

from __future__ import annotations

from collections.abc import Sequence

from suite.contract.engine_case import EngineStart, RankScript
from suite.contract.program import COMPONENTS

HALF_A_MICROSECOND = 0.5
"""How far a counter may be off: scripts are in whole microseconds."""
Pair = tuple[int, int]
"""Microseconds of both components, as `COMPONENTS` has them."""


def own(script: RankScript) -> Pair:
    """What one rank counts: its compiles, by component; nothing in any mode but full (SPEC T2)."""
    one, other = (
        sum(each.microseconds for each in script.compiles if each.component == name and script.mode == "full")
        for name in COMPONENTS
    )
    return one, other


def maxima(start: EngineStart) -> Pair:
    """The largest value of each component over all ranks; zeros without any."""
    pairs = [own(script) for script in start.ranks]
    return max((pair[0] for pair in pairs), default=0), max((pair[1] for pair in pairs), default=0)


def slowest(start: EngineStart) -> tuple[int, ...]:
    """The ranks with the greatest total: several, if they tie."""
    totals = [sum(own(script)) for script in start.ranks]
    return tuple(rank for rank, total in enumerate(totals) if total == max(totals))


def of_two_ranks(start: EngineStart) -> bool:
    """Whether no rank has both maxima, so that their sum is nobody's time."""
    return bool(start.ranks) and maxima(start) not in [own(script) for script in start.ranks]


def agree(microseconds: Sequence[float], seconds: Sequence[float]) -> bool:
    """Whether readings in seconds are these microseconds."""
    pairs = zip(microseconds, seconds, strict=True)
    return all(abs(one - other * 1_000_000) < HALF_A_MICROSECOND for one, other in pairs)


def text_of(microseconds: Sequence[float]) -> str:
    """Both components in words."""
    return ", ".join(f"{name} {value:.0f} us" for name, value in zip(COMPONENTS, microseconds, strict=True))
