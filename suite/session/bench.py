"""The bench of one process: subjects and spaces, made when the first cell needs them."""

from __future__ import annotations

import zlib
from functools import cached_property

from suite.contract.guard import GuardedSubject
from suite.driver.catalogue import Cell
from suite.driver.checker import checked
from suite.driver.checking import Checked, unchecked
from suite.driver.deviations import Deviation, Key
from suite.driver.greeting import trouble
from suite.driver.recording import Place
from suite.driver.spaces import space_of, unserved
from suite.driver.ticket import guarded, is_ours
from suite.session.request import Request
from suite.strategies.catalogue import unreachable
from suite.subjects.column import Column


class Bench:
    """Checks cells of one request."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._troubles: dict[str, str | None] = {}

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The subject's columns."""
        return self._request.columns()

    @cached_property
    def _subjects(self) -> dict[str, GuardedSubject]:
        return {column.name: guarded(column.subject) for column in self.columns}

    def inapplicable(self, cell: Cell) -> str | None:
        """Why a law says nothing of this subject or family, or is left out; None if it is held."""
        capabilities = self._subjects[cell.column].capabilities
        missing = cell.law.missing(capabilities)
        if missing:
            return f"the subject does not declare {', '.join(missing)}"
        if reason := unserved(cell.law, cell.family, capabilities):
            return reason
        space = space_of(cell.law, cell.family, capabilities)
        turn = zlib.crc32(f"{cell.law.id}@{cell.label}".encode()) + self._request.seed
        left_out = self._request.profile.leaves_out(family=space.cost, law=cell.law.cost, turn=turn)
        return left_out or unreachable(cell.law.inputs, space)

    @cached_property
    def _deviations(self) -> dict[Key, tuple[Deviation, ...]]:
        return self._request.deviations(self.columns)

    def deviations(self, cell: Cell) -> tuple[Deviation, ...]:
        """The failures of the cell that are accepted."""
        return self._deviations.get(Key(cell.law.id, cell.family, cell.column), ())

    def check(self, cell: Cell, place: Place) -> Checked:
        """Searches for a violation, from the cases of its deviations on."""
        broken = self._trouble(cell.column)
        if broken is not None:
            return unchecked(cell, broken, place)
        return checked(
            cell,
            self._subjects[cell.column],
            place,
            profile=self._request.profile,
            seed=self._request.seed,
            witnesses=[known.witness for known in self.deviations(cell)],
        )

    def _trouble(self, column: str) -> str | None:
        """Why nothing can be said of a column, found once; what may hang or die is met in the process of each check."""
        if column not in self._troubles:
            subject = next(each.subject for each in self.columns if each.name == column)
            known = is_ours(self._request.subject) or subject.capabilities.isolated
            self._troubles[column] = None if known else trouble(subject)
        return self._troubles[column]
