"""A law: one sentence, one small function from (case, subject) to a verdict, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.subject import Capabilities
from suite.contract.verdict import Verdict

Check = Callable[[Any, GuardedSubject], Verdict]
"""From a case of the law's own kind (`Law.kind`) and a subject to a verdict."""


@dataclass(frozen=True)
class Law:
    """A named law with what a report says of it."""

    id: str
    """`topic/name`, stable: records, faults and deviations refer to it."""
    statement: str
    """What must hold, in one sentence."""
    ignores: str
    """What it deliberately does not look at."""
    source: tuple[str, ...]
    """SPEC ids, public bugs."""
    inputs: str
    """Name of the strategy that draws its cases."""
    check: Check
    needs: tuple[str, ...] = ()
    """Capabilities without which the law says nothing of a subject."""
    everywhere: bool = False
    """Whether it is held on every family, or on the toy alone because the family does not matter to it."""
    kind: type = Case
    """The kind of case that it is about; made with a family alone, it is the empty case of that family."""
    cost: float = 1.0
    """Seconds of one example relative to a history's: profiles divide their example counts by it."""

    @property
    def topic(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """The part of the id after the slash."""
        return self.id.partition("/")[2]

    @property
    def spec(self) -> tuple[str, ...]:
        """The SPEC ids among its sources."""
        return tuple(source.removeprefix("SPEC ") for source in self.source if source.startswith("SPEC "))

    def missing(self, capabilities: Capabilities) -> tuple[str, ...]:
        """The needs that a subject does not declare."""
        return tuple(need for need in self.needs if not capabilities.has(need))


def law(
    name: str,
    *,
    source: tuple[str, ...],
    inputs: str,
    needs: tuple[str, ...] = (),
    everywhere: bool = False,
    ignores: str = "nothing",
    kind: type = Case,
    cost: float = 1.0,
) -> Callable[[Check], Law]:
    """Makes a law of a check; its docstring's first paragraph is the statement."""

    def decorate(check: Check) -> Law:
        statement = " ".join((check.__doc__ or "").strip().split("\n\n")[0].split())
        if not statement:
            raise ValueError(f"law {name!r} has no docstring: its first paragraph is the law's statement")
        return Law(name, statement, ignores, source, inputs, check, needs, everywhere, kind, cost)

    return decorate


def laws_of(module: ModuleType) -> tuple[Law, ...]:
    """The laws defined in a module of properties, in the order of their definition."""
    return tuple(value for value in vars(module).values() if isinstance(value, Law))
