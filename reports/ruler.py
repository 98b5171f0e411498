"""How much of the tolerance each arm uses, as geometry on one logarithmic axis; `templates/ruler.html` draws it.

The tolerance is a line at 1. What repeats exactly is a ring at the left end; NaN and Inf have no place on the axis
and are said in words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.schema import Arm
from reports.text import FAR, percent

WIDTH = 720.0
"""Width of the view box."""
LEFT = 205.0
"""Where the axis begins: the names of the arms stand before it."""
RIGHT = 690.0
ROW = 27.0
"""Height of one arm."""
HEAD = 22.0
"""Space for the word above the line."""
FOOT = 26.0
"""Space below the axis for its labels."""
MARGIN = 16.0
"""Between the ring for zero and the first decade."""
DECADES = (-3, 1)
"""Powers of ten that the axis always covers."""
FARTHEST = 12
"""Beyond ten to this power, either way, the axis ends."""
NAME_LIMIT = 28
LABELS = 8
"""At most so many decades are labelled."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One arm: its row, the place of its mark, and its share in words."""

    name: str
    y: float
    x: float | None
    """None: not measured."""
    zero: bool
    over: bool
    words: str
    words_x: float
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One decade of the axis; its label may be empty."""

    x: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """Every arm on one axis."""

    height: float
    tolerance: float
    """Where the line of the tolerance stands."""
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    description: str


def rule(arms: Sequence[Arm]) -> Ruler | None:
    """The ruler of some arms, or None if no share of a tolerance was measured."""
    shares = [arm.used for arm in arms if arm.used is not None and math.isfinite(arm.used)]
    if not shares:
        return None
    powers = [math.log10(share) for share in shares if share > 0]
    first = max(-FARTHEST, min([DECADES[0], *map(math.floor, powers)]))
    last = min(FARTHEST, max([DECADES[1], *map(math.ceil, powers)]))
    dots = tuple(_dots(arms, first, last))
    return Ruler(
        height=HEAD + ROW * len(arms) + FOOT,
        tolerance=_place(1.0, first, last),
        ticks=tuple(_ticks(first, last)),
        dots=dots,
        description="; ".join(f"{dot.name}: {dot.words}" for dot in dots) + ".",
    )


def _place(share: float, first: int, last: int) -> float:
    """Where a share lies: the left end is kept for zero."""
    if share <= 0:
        return LEFT
    power = min(max(math.log10(share), first), last)
    return LEFT + MARGIN + (RIGHT - LEFT - MARGIN) * (power - first) / (last - first)


def _ticks(first: int, last: int) -> Iterator[Tick]:
    every = math.ceil((last - first + 1) / LABELS)
    for power in range(first, last + 1):
        # The tolerance itself, at 1, has its word above the axis.
        shown = power and not power % every
        yield Tick(x=_place(10.0**power, first, last), label=_decade(power) if shown else "")


def _decade(power: int) -> str:
    if power < 0:
        return percent(10.0**power)
    return f"{10**power:,}\N{MULTIPLICATION SIGN}" if power <= 4 else f"1e{power}\N{MULTIPLICATION SIGN}"


def _dots(arms: Sequence[Arm], first: int, last: int) -> Iterator[Dot]:
    for row, arm in enumerate(arms):
        measured = arm.used is not None and not math.isnan(arm.used)
        x = _place(arm.used, first, last) if arm.used is not None and measured else None
        # The words grow from the mark towards the side where there is room.
        late = x is not None and x > (LEFT + RIGHT) / 2
        yield Dot(
            name=arm.arm if len(arm.arm) <= NAME_LIMIT else f"{arm.arm[: NAME_LIMIT - 1]}\N{HORIZONTAL ELLIPSIS}",
            y=HEAD + ROW * (row + 0.5),
            x=x,
            zero=arm.used == 0,
            over=arm.used is not None and arm.used > 1,
            words=_words(arm),
            words_x=(x if x is not None else LEFT) + (-12 if late else 12),
            anchor="end" if late else "start",
        )


def _words(arm: Arm) -> str:
    if arm.used is None or math.isnan(arm.used):
        words = "not measured"
    elif arm.used == 0:
        words = "no difference"
    else:
        words = f"{percent(arm.used)} {'the' if arm.used > FAR else 'of the'} tolerance"
    broken = [f"{count:,} {name}" for name, count in (("NaN", arm.nan), ("Inf", arm.inf)) if count]
    return ", ".join([words, *broken])
