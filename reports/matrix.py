"""The kill matrix: which law caught which deliberate fault, read in both directions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.tables import FaultRow

Answer: TypeAlias = Literal["caught", "missed", "unknown", "not asked"]


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """One fault and the answer of every law that was named for it or asked about it."""

    fault: FaultRow
    answers: Mapping[str, Answer]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Faults by area, and the laws that any of them concerns."""

    laws: tuple[str, ...]
    areas: Mapping[str, tuple[MatrixRow, ...]]


def kill_matrix(faults: Sequence[FaultRow]) -> Matrix:
    """The matrix of some faults, sorted by area and id."""
    areas: defaultdict[str, list[MatrixRow]] = defaultdict(list)
    for fault in sorted(faults, key=lambda row: (row.area, row.fault)):
        laws = sorted({*fault.caught_by, *fault.verdicts, *fault.by})
        areas[fault.area].append(MatrixRow(fault=fault, answers={law: _answer(fault, law) for law in laws}))
    concerned = {law for rows in areas.values() for row in rows for law in row.answers}
    return Matrix(laws=tuple(sorted(concerned)), areas={area: tuple(rows) for area, rows in areas.items()})


def catches(faults: Sequence[FaultRow]) -> dict[str, tuple[str, ...]]:
    """The faults that each law caught, by law: the proof that the law can fail."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for fault in faults:
        for law in sorted({*fault.caught_by, *fault.verdicts, *fault.by}):
            if _answer(fault, law) == "caught":
                found[law].append(fault.fault)
    return {law: tuple(caught) for law, caught in found.items()}


def _answer(fault: FaultRow, law: str) -> Answer:
    verdict = fault.verdicts.get(law)
    if verdict == "violated" or law in fault.by:
        return "caught"
    if verdict == "holds":
        return "missed"
    return "unknown" if verdict == "unknown" else "not asked"
