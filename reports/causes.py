"""Violations and unknown cells by root cause: one broken part shows in many laws, and is one thing to read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.schema import Violation
from reports.tables import Cell, Standing


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One reason and every cell that it explains."""

    because: str
    cells: tuple[Cell, ...]

    @property
    def laws(self) -> tuple[str, ...]:
        """The laws that it touches."""
        return tuple(sorted({cell.law for cell in self.cells}))

    @property
    def places(self) -> tuple[str, ...]:
        """The families on which it shows, each with the route to the subject if it is not the first."""
        return tuple(sorted({cell.place for cell in self.cells}))

    @property
    def command(self) -> str | None:
        """The first command that shows it again."""
        found = (violation_of(cell) for cell in self.cells)
        return next((one.reproduce[0] for one in found if one is not None and one.reproduce), None)


def causes(cells: Iterable[Cell], standing: Standing) -> tuple[Cause, ...]:
    """The distinct causes of the cells with this verdict, those that explain most cells first."""
    grouped: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.standing == standing:
            grouped[because(cell)].append(cell)
    found = [Cause(because=text, cells=tuple(group)) for text, group in grouped.items()]
    return tuple(sorted(found, key=lambda cause: (-len(cause.cells), cause.because)))


def because(cell: Cell) -> str:
    """Why a cell has its verdict, in one sentence."""
    violation = violation_of(cell)
    text = violation.because if violation is not None else cell.reason
    return text or "no reason recorded"


def violation_of(cell: Cell) -> Violation | None:
    """The first violation of a cell."""
    return next((law.violation for law in cell.records if law.violation is not None), None)


def listed(names: Sequence[str], limit: int) -> str:
    """The first names, and how many there are beyond them."""
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")
