"""What a header says of the subject beside its name: what of it was replaced, and what its own tests say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

OwnStanding: TypeAlias = Literal["holds", "violated", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """Something of the subject that cannot exist here, and what stands for it."""

    name: str
    by: str
    why: str = ""
    columns: tuple[str, ...] | None = None
    """Columns in which it is replaced; None: in all."""


@dataclass(frozen=True, kw_only=True)
class UnpassedTest:
    """One of the subject's own tests that did not pass; an error is one that did not come to its first line."""

    name: str
    outcome: Literal["failed", "error", "skipped"]
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class OwnTests:
    """What came of the tests that the subject's makers wrote: a second witness, by the makers' own measure."""

    release: str
    what: str
    """Which tests they are."""
    passed: int = 0
    others: tuple[UnpassedTest, ...] = ()
    """Those that did not pass."""
    day: str = ""
    """On which they ran, UTC."""
    reason: str | None = None
    """Why nothing can be said; None: they ran."""

    def __post_init__(self) -> None:
        """Refuse a record that contradicts itself."""
        if self.passed < 0:
            raise ValueError(f"passed must be 0 or more, got {self.passed}")
        if self.reason is not None and (self.passed or self.others):
            raise ValueError("tests that did not run have no outcomes")

    def count(self, outcome: Literal["failed", "error", "skipped"]) -> int:
        """How many have that outcome."""
        return sum(test.outcome == outcome for test in self.others)

    @property
    def standing(self) -> OwnStanding:
        """Holds only if some passed, none failed, and each came to its first line or was skipped by its makers."""
        if self.count("failed"):
            return "violated"
        return "holds" if self.passed and not self.count("error") else "unknown"

    @property
    def sentence(self) -> str:
        """The counts, or why there are none."""
        if self.reason is not None:
            return f"not known: {self.reason}"
        counts = {"error": self.count("error"), "skipped": self.count("skipped")}
        rest = [f"{number} {name}" for name, number in counts.items() if number]
        return ", ".join([f"{self.passed} passed", f"{self.count('failed')} failed", *rest])
