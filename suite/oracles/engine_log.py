"""What an engine's log says of a start, read strictly from its lines (SPEC T7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Form = Literal["split", "total", "plain"]
SAID = "init engine"
"""Whatever line has these words is about the start."""
ROUNDED = 0.005 + 1e-6
"""Seconds by which a number of two decimals may be off."""
_NUMBER = r"(\d+\.\d\d) s"
_LINE = re.compile(
    rf"init engine \(profile, create kv cache, warmup model\) took {_NUMBER}"
    rf"(?: \(compilation: {_NUMBER}(?: — language_model: {_NUMBER}, encoder: {_NUMBER})?\))?"
)
_RANK = re.compile(r"\brank (\d+)\b")
_SECONDS = re.compile(r"(\d+\.\d\d) s\b")


@dataclass(frozen=True)
class InitLine:
    """The line on the start, its numbers as printed, in seconds."""

    took: float
    total: float | None
    language_model: float | None
    encoder: float | None

    @property
    def form(self) -> Form:
        """Which of the three it is."""
        if self.total is None:
            return "plain"
        return "total" if self.encoder is None else "split"


@dataclass(frozen=True)
class RankLine:
    """A line that tells of one rank's seconds."""

    rank: int
    seconds: tuple[float, ...]
    """As printed."""


def init_lines(lines: Sequence[str]) -> list[str]:
    """The lines about the start, of whatever form."""
    return [line for line in lines if SAID in line]


def read(line: str) -> InitLine | None:
    """The numbers of a line of one of the three forms; None if it has none of them."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    took, *others = (None if number is None else float(number) for number in found.groups())
    return InitLine(took or 0.0, *others)


def rank_lines(lines: Sequence[str]) -> list[RankLine]:
    """The lines about compiling that name one rank, with the seconds in them."""
    named = [(line, set(_RANK.findall(line))) for line in lines if "compil" in line]
    return [
        RankLine(int(next(iter(ranks))), tuple(map(float, _SECONDS.findall(line))))
        for line, ranks in named
        if len(ranks) == 1
    ]


def wanted_form(language_model: float, encoder: float) -> Form:
    """The form that these counters ask for."""
    if encoder > 0:
        return "split"
    return "total" if language_model > 0 else "plain"


def printed(number: float | None, seconds: float) -> bool:
    """Whether a number of a line is these seconds, to rounding."""
    return number is not None and abs(number - seconds) <= ROUNDED
