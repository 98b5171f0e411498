"""One cell checked: the outcome, the record, and the text of a failure."""

from __future__ import annotations

from dataclasses import dataclass

from suite.contract.guard import GuardedSubject
from suite.contract.text import unknown_text
from suite.contract.verdict import Outcome
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


def check(
    cell: Cell,
    subject: GuardedSubject,
    place: Place,
    *,
    profile: Profile,
    seed: int,
    examples: int | None = None,
    on_case: OnCase | None = None,
) -> Checked:
    """Searches for a violation of the cell's law."""
    space = space_of(cell.law, cell.family, subject.capabilities)
    found = search(cell.law, space, subject, profile=profile, seed=seed, examples=examples, on_case=on_case)
    return Checked(found.verdict.outcome, found.cases, law_line(cell, found, place), _text(cell, found, place))


def _text(cell: Cell, found: Found, place: Place) -> str:
    if found.verdict.outcome is Outcome.HOLDS:
        return ""
    ticket = place.ticket(cell, found)
    if found.verdict.violation is None or ticket is None:
        return unknown_text(found.law, found.verdict, subject=place.subject, family=cell.label)
    return text_of(found.verdict.violation, ticket, found, place)
