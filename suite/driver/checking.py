"""One cell checked: the outcome, the record, and the text of a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.contract.case import AnyCase
from suite.contract.guard import GuardedSubject
from suite.contract.text import unknown_text
from suite.contract.verdict import Outcome, unknown
from suite.driver.catalogue import Cell
from suite.driver.profiles import Profile
from suite.driver.recording import Line, Place, law_line, text_of
from suite.driver.search import Found, OnCase, search
from suite.driver.spaces import space_of


@dataclass(frozen=True)
class Checked:
    """What a check hands to whoever asked for it, in this process or another."""

    outcome: Outcome
    cases: int
    line: Line
    text: str
    """The failure as a terminal shows it; empty if the law holds."""
    witnesses: tuple[Outcome, ...] = ()
    """What was found of the cases of deviations."""
    known: bool = False
    """Whether nothing else was found than what they show."""


def check(
    cell: Cell,
    subject: GuardedSubject,
    place: Place,
    *,
    profile: Profile,
    seed: int,
    examples: int | None = None,
    on_case: OnCase | None = None,
    witnesses: Sequence[AnyCase] = (),
) -> Checked:
    """Searches for a violation of the cell's law, the cases of its deviations first."""
    space = space_of(cell.law, cell.family, subject.capabilities)
    found = search(
        cell.law, space, subject, profile=profile, seed=seed, examples=examples, on_case=on_case, witnesses=witnesses
    )
    return checked_of(cell, found, place)


def checked_of(cell: Cell, found: Found, place: Place) -> Checked:
    """What a search found, with its record and its text."""
    text = _text(cell, found, place)
    line = law_line(cell, found, place)
    return Checked(found.verdict.outcome, found.cases, line, text, found.witnesses, found.known)


def unchecked(cell: Cell, reason: str, place: Place) -> Checked:
    """A cell that was not looked at, and why nothing can be said of it."""
    nothing = Found(cell.law, unknown(reason), case=None, cases=0, seconds=0.0, labels={}, noise=None, margin=None)
    return checked_of(cell, nothing, place)


def _text(cell: Cell, found: Found, place: Place) -> str:
    if found.verdict.outcome is Outcome.HOLDS:
        return ""
    ticket = place.ticket(cell, found)
    if found.verdict.violation is None or ticket is None:
        return unknown_text(found.law, found.verdict, subject=place.subject, family=cell.label)
    return text_of(found.verdict.violation, ticket, found, place)
