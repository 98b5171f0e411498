"""The one capture that a process may have open, and what breaks it from the side (rule R10)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from suite.emulator.errors import NestedCapture, UnsafeCall
from suite.emulator.sites import Site, current_site

ErrorMode = Literal["global", "thread_local", "relaxed"]


@dataclass(frozen=True, eq=False)
class OpenCapture:
    """Who is capturing, since where, how strictly, and how to tell it that it is spoiled."""

    thread: int
    site: Site
    mode: ErrorMode
    spoil: Callable[[str], None]


class _Slot:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OpenCapture | None = None

    def current(self) -> OpenCapture | None:
        return self._open

    def enter(self, capture: OpenCapture) -> None:
        with self._lock:
            if self._open is not None:
                text = f"a capture at {capture.site} was begun while the one at {self._open.site} is open"
                self._open.spoil(text)
                raise NestedCapture(f"{text}; captures do not nest, finish that one first")
            self._open = capture

    def leave(self, capture: OpenCapture) -> None:
        with self._lock:
            if self._open is capture:
                self._open = None


_SLOT = _Slot()


def enter(capture: OpenCapture) -> None:
    """Open a capture.

    Raises:
        NestedCapture: one is open already; that one is spoiled, as CUDA spoils it.
    """
    _SLOT.enter(capture)


def leave(capture: OpenCapture) -> None:
    """Close the capture if it is the open one."""
    _SLOT.leave(capture)


def current() -> OpenCapture | None:
    """The open capture of this process, if any."""
    return _SLOT.current()


def capturing_here() -> bool:
    """Whether this thread is the one that captures."""
    found = current()
    return found is not None and found.thread == threading.get_ident()


def spoil(text: str) -> None:
    """Make the open capture fail at its end, if there is one."""
    found = current()
    if found is not None:
        found.spoil(text)


def refuse_unsafe(call: str, *, device_wide: bool = False) -> None:
    """To be asked by every call on the device that a capture does not survive.

    Waiting for the whole device breaks a capture in every error mode, whoever waits.

    Raises:
        UnsafeCall: a capture is open in this thread, or in any thread in the global error mode.
    """
    found = current()
    if found is None or not (capturing_here() or found.mode == "global" or device_wide):
        return
    whose = "its own thread" if capturing_here() else "another thread"
    text = f"{call} at {current_site()} was called from {whose} while the capture at {found.site} is open"
    found.spoil(text)
    raise UnsafeCall(f"{text}; it breaks the capture")


def refuse_nested(call: str) -> None:
    """To be asked by calls that are wrong in a capture of the same thread without being synchronisations.

    Raises:
        NestedCapture: this thread is capturing.
    """
    found = current()
    if found is not None and capturing_here():
        text = f"{call} at {current_site()} while the capture at {found.site} is open"
        found.spoil(text)
        raise NestedCapture(f"{text}; finish the capture first")
