"""What an adapter replaces of its implementation, as data: the report lists it beside the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Replacement:
    """Something of the implementation that cannot exist here, and what stands for it."""

    name: str
    """What is replaced, as the implementation calls it."""
    by: str
    """What stands for it."""
    why: str
    """Why it cannot be had as it is."""


@runtime_checkable
class ReplacingSubject(Protocol):
    """A subject that says what of its implementation is replaced; another one replaces nothing."""

    @property
    def replacements(self) -> Sequence[Replacement]:
        """All that is replaced; everything else is the implementation as it was installed."""
        ...


def replacements_of(subject: object) -> tuple[Replacement, ...]:
    """What the subject says that it replaces.

    Raises:
        TypeError: it is no sequence of `Replacement`.
    """
    if not isinstance(subject, ReplacingSubject):
        return ()
    found = subject.replacements
    if not isinstance(found, tuple | list) or not all(isinstance(each, Replacement) for each in found):
        raise TypeError(f"replacements is {found!r}: give a tuple of suite.contract.public.Replacement")
    return tuple(found)
