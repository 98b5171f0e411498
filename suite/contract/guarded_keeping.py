"""A cache of encoder outputs behind the guard: what it answers has the form of its item's result."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from models.api import Family, Item
from suite.contract.calls import Guard, SubjectFailed
from suite.contract.keeping import Bound, KeepingSession
from suite.contract.outputs import check_outputs


class GuardedKeeping:
    """A session with a cache whose every answer has been looked at."""

    def __init__(self, session: KeepingSession, *, family: Family, guard: Guard, device: str) -> None:
        self._session = session
        self._family = family
        self._guard = guard
        self._device = device

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        """As `KeepingSession.encode`; the answers have the right number, type, shape, dtype and device, and no NaN."""
        with self._guard.call("encode"):
            outputs = self._session.encode(items)
        return check_outputs(outputs, items, self._family, device=self._device)

    def put(self, item: Item, result: Tensor) -> None:
        """As `KeepingSession.put`."""
        with self._guard.call("put"):
            self._session.put(item, result)

    def get(self, item: Item) -> Tensor | None:
        """As `KeepingSession.get`.

        Raises:
            SubjectFailed: it is not of the form of this item's result.
        """
        with self._guard.call("get"):
            kept = self._session.get(item)
        if kept is None:
            return None
        try:
            return check_outputs([kept], [item], self._family, device=self._device)[0]
        except SubjectFailed as failure:
            raise SubjectFailed(f"get, not encode, is to blame: {failure}") from failure.__cause__

    def drop(self, item: Item) -> None:
        """As `KeepingSession.drop`."""
        with self._guard.call("drop"):
            self._session.drop(item)

    def clear(self) -> None:
        """As `KeepingSession.clear`."""
        with self._guard.call("clear"):
            self._session.clear()

    def holds(self) -> list[Tensor]:
        """As `KeepingSession.holds`."""
        with self._guard.call("holds"):
            return list(self._session.holds())

    def bound(self) -> Bound:
        """As `KeepingSession.bound`."""
        with self._guard.call("bound"):
            return self._session.bound()

    def close(self) -> None:
        """As `KeepingSession.close`."""
        with self._guard.call("close"):
            self._session.close()
