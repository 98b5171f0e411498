"""A call that may never return, with a limit on time: nobody waits for it any longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class OutOfTime(TimeoutError):
    """The limit is over, and the call has not returned; its own `TimeoutError` is another matter."""


def within_limit(call: Callable[[], _Value], *, seconds: float, what: str) -> _Value:
    """What the call returns, or raises.

    Raises:
        OutOfTime: it did not come back in time; its thread is left behind, and ends with the process.
    """
    waiting = _Call(call)
    waiting.start()
    waiting.join(seconds)
    if waiting.is_alive():
        raise OutOfTime(f"{what} did not come back within {seconds:g} s")
    return waiting.result()


class _Call(threading.Thread, Generic[_Value]):
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], _Value]) -> None:
        super().__init__(name="limited", daemon=True)
        self._call = call
        self._values: list[_Value] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Keeps what comes of it."""
        try:
            self._values.append(self._call())
        except BaseException as error:
            self._error = error

    def result(self) -> _Value:
        """What it returned, or raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._values[0]
