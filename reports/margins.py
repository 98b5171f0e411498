"""How close each law came to its tolerance, and how far eager is from itself: what a pass alone does not say."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reports.tables import LawRow


@dataclass(frozen=True, kw_only=True)
class Margin:
    """One law that compares numbers."""

    law: LawRow
    used: float
    """Largest used share of the tolerance over all cells; above 1 is a mismatch."""
    place: str
    """Where that was."""
    noise: float | None
    """Greatest absolute difference of eager against itself (A/A); None if it was not measured."""


def margins(rows: Iterable[LawRow]) -> tuple[Margin, ...]:
    """The laws of which a margin was measured, the closest first."""
    return tuple(sorted((found for row in rows for found in _margin(row)), key=_closest_first))


def _margin(row: LawRow) -> Iterable[Margin]:
    shares = [(law.margin, cell.place) for cell in row.cells for law in cell.records if law.margin is not None]
    if shares:
        used, place = max(shares, key=lambda share: (_rank(share[0]), share[1]))
        yield Margin(law=row, used=used, place=place, noise=row.noise)


def _rank(used: float) -> float:
    """A share that is no number is worse than any."""
    return math.inf if math.isnan(used) else used


def _closest_first(found: Margin) -> tuple[float, str]:
    return -_rank(found.used), found.law.law
