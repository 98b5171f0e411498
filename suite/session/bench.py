"""The bench of one process: subjects and spaces, made when the first cell needs them."""

from __future__ import annotations

import zlib
from functools import cached_property

from suite.contract.guard import GuardedSubject
from suite.driver.catalogue import Cell
from suite.driver.checker import checked
from suite.driver.checking import Checked
from suite.driver.recording import Place
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded
from suite.session.request import Request
from suite.strategies.catalogue import unreachable
from suite.subjects.column import Column


class Bench:
    """Checks cells of one request."""

    def __init__(self, request: Request) -> None:
        self._request = request

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
        space = space_of(cell.law, cell.family, capabilities)
        turn = zlib.crc32(f"{cell.law.id}@{cell.label}".encode()) + self._request.seed
        left_out = self._request.profile.leaves_out(family=space.cost, law=cell.law.cost, turn=turn)
        return left_out or unreachable(cell.law.inputs, space)

    def check(self, cell: Cell, place: Place) -> Checked:
        """Searches for a violation."""
        subject = self._subjects[cell.column]
        return checked(cell, subject, place, profile=self._request.profile, seed=self._request.seed)
