"""Seconds as text: one unit for all numbers of a drawing, and no digit that the data does not have."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

MICROSECOND = 1e-6
"""The step of a ledger: its times are whole microseconds."""
LONGEST = 1e12
"""No bar is longer, so that sums of bars stay finite."""
_HUGE = 1e9
"""From here on a number is told by its first digits."""


@dataclass(frozen=True)
class Unit:
    """A unit of time, and how many decimals of it are shown at most."""

    name: str
    word: str
    seconds: float
    decimals: int

    def text(self, seconds: float | None) -> str:
        """`1.25 ms`; `nothing` for None."""
        return "nothing" if seconds is None else f"{self.number(seconds)} {self.name}"

    def number(self, seconds: float) -> str:
        """The same without its unit, and without zeros at its end."""
        shown = self.column(seconds)
        return shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown

    def column(self, seconds: float) -> str:
        """The same with all decimals, so that numbers stand under each other."""
        value = seconds / self.seconds
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Inf" if value > 0 else "\N{MINUS SIGN}Inf"
        # Adding zero makes a negative zero a plain one.
        rounded = round(value, self.decimals) + 0.0
        shown = f"{rounded:,.{self.decimals}f}" if abs(value) < _HUGE else f"{value:.3g}"
        return shown.replace("-", "\N{MINUS SIGN}")


UNITS = (
    Unit("s", "seconds", 1.0, 6),
    Unit("ms", "milliseconds", 1e-3, 3),
    Unit("µs", "microseconds", MICROSECOND, 0),
)
"""Each can show a microsecond."""


def unit_for(extent: float, numbers: Iterable[float]) -> Unit:
    """The largest unit of which there is at least one in `extent`, with the decimals that the numbers need."""
    fits = UNITS[-1] if extent > 0 else UNITS[0]
    unit = next((unit for unit in UNITS if extent >= unit.seconds), fits)
    needed = (len(unit.number(seconds).partition(".")[2]) for seconds in numbers if abs(seconds) < _HUGE * unit.seconds)
    return replace(unit, decimals=max(needed, default=0))


def exact(seconds: float) -> float:
    """Rounded to microseconds, so that sums of shown numbers are the shown sums."""
    return round(seconds, 6) if math.isfinite(seconds) else seconds


def drawable(seconds: float) -> float:
    """What of a number of seconds has a length: NaN, Inf and less than nothing have none."""
    return min(max(0.0, seconds), LONGEST) if math.isfinite(seconds) else 0.0
