"""Cold and warm starts side by side: for each metric the average, the least and the greatest, with a bar.

Seconds have one scale and one unit, so that bars can be compared over metrics; counts have a scale of their own.
`templates/starts.html` draws it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from reports.seconds import LONGEST, Unit, drawable, unit_for
from reports.sheet_schema import MeasuredStart, Sheet, StartPhase, StartupSheet
from reports.tables import Cell, place

WIDTH = 160.0
"""Width of the view box of a bar."""
PLACES = 3
"""Decimals of a number of seconds."""
TABLE_LIMIT = 6
"""Verdicts whose starts are shown."""
START_LIMIT = 100
"""Starts of a phase that are listed one by one."""

Metric: TypeAlias = Callable[[MeasuredStart], float]

SECONDS: Mapping[str, Metric] = {
    "whole start": lambda start: start.seconds,
    "of that, after the models were built": lambda start: start.init,
    "compiling the language model": lambda start: start.language_model,
    "compiling encoders": lambda start: start.encoder,
}
COUNTS: Mapping[str, Metric] = {
    "compiled": lambda start: _whole(start.compiles),
    "loaded from the cache": lambda start: _whole(start.loads),
}
"""Metrics by what they are called."""


def _whole(number: int) -> float:
    """A count as a float, whatever its size: the subject's own word."""
    return float(max(-LONGEST, min(number, LONGEST)))


@dataclass(frozen=True, kw_only=True)
class PhaseLine:
    """One metric in one phase. The bar is the average, the whisker goes from the least to the greatest."""

    phase: str
    starts: int
    average: str
    least: str
    greatest: str
    bar: float
    whisker: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class MetricRows:
    """One metric in every phase that has starts."""

    name: str
    lines: tuple[PhaseLine, ...]


@dataclass(frozen=True, kw_only=True)
class StartRow:
    """One start, for the list of all: its phase, its number in the phase from 1, and its values in order."""

    phase: str
    number: int
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StartTable:
    """A sheet as tables."""

    note: str
    unit: str
    counted: str
    """How many starts there are of each phase, in words."""
    metrics: tuple[MetricRows, ...]
    starts: tuple[StartRow, ...]
    left_out: int


@dataclass(frozen=True, kw_only=True)
class ToldStarts:
    """The starts that one law on one family told of."""

    law: str
    place: str
    table: StartTable


def start_table(sheet: Sheet | None) -> StartTable | None:
    """The tables of a sheet; None if it is none of starts."""
    if not isinstance(sheet, StartupSheet):
        return None
    phases = [each for each in sheet.phases if each.starts]
    unit = _unit(start for phase in phases for start in phase.starts)
    listed = [(phase, start) for phase in phases for start in enumerate(phase.starts[:START_LIMIT], start=1)]
    return StartTable(
        note=sheet.note,
        unit=unit.name,
        counted=" and ".join(f"{len(each.starts)} {each.phase}" for each in phases) or "no",
        metrics=(
            *_metrics(SECONDS, phases, partial(_seconds, unit)),
            *_metrics(COUNTS, phases, _count),
        ),
        starts=tuple(_row(phase, number, start, unit) for phase, (number, start) in listed),
        left_out=sum(max(0, len(each.starts) - START_LIMIT) for each in phases),
    )


def startups(cells: Iterable[Cell]) -> tuple[ToldStarts, ...]:
    """The starts that the laws of a run told of, each law's on each family once."""
    found = {
        (law.law, place(cell.family, cell.column)): table
        for cell in cells
        for law in cell.records
        if (table := start_table(law.sheet)) is not None
    }
    return tuple(ToldStarts(law=law, place=where, table=found[law, where]) for law, where in sorted(found))[
        :TABLE_LIMIT
    ]


def _unit(starts: Iterable[MeasuredStart]) -> Unit:
    longest = max((drawable(value(start)) for start in starts for value in SECONDS.values()), default=0.0)
    return replace(unit_for(longest, ()), decimals=PLACES)


def _scale(phases: Sequence[StartPhase], values: Iterable[Metric]) -> float:
    """Units of the view box for one second or one artifact."""
    longest = max((drawable(value(start)) for value in values for phase in phases for start in phase.starts), default=0)
    return (WIDTH - 2) / longest if longest else 0.0


def _metrics(
    metrics: Mapping[str, Metric], phases: Sequence[StartPhase], text: Callable[[float], str]
) -> Iterator[MetricRows]:
    scale = _scale(phases, metrics.values())
    for name, value in metrics.items():
        lines = (_line(each.phase, [value(start) for start in each.starts], scale, text) for each in phases)
        yield MetricRows(name=name, lines=tuple(lines))


def _line(phase: str, values: Sequence[float], scale: float, text: Callable[[float], str]) -> PhaseLine:
    # A NaN has no order: it must not depend on its place what the least is.
    known = values if not any(map(math.isnan, values)) else [math.nan]
    average, least, greatest = sum(known) / len(known), min(known), max(known)
    # Of what is not finite there is nothing to draw.
    ends = [drawable(each) * scale if math.isfinite(average) else 0.0 for each in (average, least, greatest)]
    return PhaseLine(
        phase=phase,
        starts=len(values),
        average=text(average),
        least=text(least),
        greatest=text(greatest),
        bar=ends[0],
        whisker=(ends[1], ends[2]),
    )


def _seconds(unit: Unit, value: float) -> str:
    """With all decimals; what is above zero never reads as zero."""
    if value > 0 and round(value / unit.seconds, PLACES) == 0:
        return f"< {unit.column(10.0**-PLACES * unit.seconds)}"
    return unit.column(value)


def _count(value: float) -> str:
    return f"{round(value, 1):,.1f}".removesuffix(".0") if abs(value) < 1e9 else f"{value:.3g}"


def _row(phase: StartPhase, number: int, start: MeasuredStart, unit: Unit) -> StartRow:
    seconds = [_seconds(unit, value(start)) for value in SECONDS.values()]
    return StartRow(
        phase=phase.phase, number=number, values=(*seconds, *(_count(value(start)) for value in COUNTS.values()))
    )
