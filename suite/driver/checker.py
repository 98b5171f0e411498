"""Checks a cell where its subject can be trusted: in this process, or in a child with limits."""

from __future__ import annotations

from collections.abc import Sequence

from suite.contract.case import AnyCase
from suite.contract.guard import GuardedSubject
from suite.driver.catalogue import Cell
from suite.driver.checking import Checked, check
from suite.driver.child import Errand, check_in_child
from suite.driver.profiles import Profile
from suite.driver.recording import Place

START_SECONDS = 20.0
"""What a child may take beside its search: starting, importing, building the model."""


def checked(
    cell: Cell,
    subject: GuardedSubject,
    place: Place,
    *,
    profile: Profile,
    seed: int,
    examples: int | None = None,
    witnesses: Sequence[AnyCase] = (),
) -> Checked:
    """The cell's outcome; a subject that may hang or die is judged in a child process."""
    if not subject.capabilities.isolated:
        return check(cell, subject, place, profile=profile, seed=seed, examples=examples, witnesses=witnesses)
    known = tuple(witness.to_json() for witness in witnesses)
    errand = Errand(cell.law.id, cell.family, cell.column, profile, seed, examples, place, known)
    limit = profile.search_seconds + profile.shrink_seconds + START_SECONDS
    return check_in_child(errand, seconds=limit)
