"""Three verdicts, and what a violation says. Unknown is never green."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Outcome(enum.Enum):
    """What can be said of a law for a case."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Difference:
    """One arm against eager: numbers with their place. NaN and Inf are counted apart from the finite error."""

    arm: str
    max_abs: float
    max_rel: float
    mismatched: int
    total: int
    nan: int
    inf: int
    index: tuple[int, ...]
    """Where the greatest difference is: token and channel of the item."""
    item: int = 0
    batch: int = 0
    used: float = 0.0
    """Greatest share of the tolerance that a finite element used; above 1 it is a mismatch."""
    rows: tuple[int, ...] = ()
    """The first wrong tokens of the item."""


@dataclass(frozen=True)
class DrawnItem:
    """An item in the drawing of a packing."""

    index: int
    grid: str
    tokens: int


@dataclass(frozen=True)
class DrawnBin:
    """A launch in the drawing of a packing; a budget of None is eager."""

    budget: int | None
    items: tuple[DrawnItem, ...]
    wrong_rows: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Data of a violation that text and report draw from; every part may be missing."""

    arms: tuple[Difference, ...] = ()
    first_arm: str | None = None
    tolerance: dict[str, float | str] | None = None
    plan: tuple[tuple[DrawnBin, ...], ...] = ()


@dataclass(frozen=True)
class Violation:
    """What was expected, what came out, why that can happen."""

    expected: str
    actual: str
    because: str
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True)
class Verdict:
    """The answer of one law for one case."""

    outcome: Outcome
    violation: Violation | None = None
    reason: str | None = None
    """Why it is unknown, or what a reader should know of how it was found to hold."""
    noise: Difference | None = None
    """Eager against eager: what no comparison can be finer than."""
    margin: float | None = None
    """Greatest share of the tolerance used."""


def holds(*, noise: Difference | None = None, margin: float | None = None) -> Verdict:
    """The law held for this case."""
    return Verdict(Outcome.HOLDS, noise=noise, margin=margin)


def violated(*, expected: str, actual: str, because: str, evidence: Evidence | None = None) -> Verdict:
    """The law did not hold, with its reason."""
    return Verdict(Outcome.VIOLATED, Violation(expected, actual, because, evidence or Evidence()))


def unknown(reason: str) -> Verdict:
    """Nothing can be said, and why."""
    return Verdict(Outcome.UNKNOWN, reason=reason)
