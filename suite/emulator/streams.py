"""Streams and events in name only: everything runs in order, so races cannot be seen here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from suite.emulator import open_capture


class EmulatedEvent:
    """Stands for `torch.cuda.Event`."""

    def __init__(self, *_options: object, **_named_options: object) -> None:
        self._seconds: float | None = None

    def record(self, stream: EmulatedStream | None = None) -> None:
        """Take the time."""
        self._seconds = time.perf_counter()

    def wait(self, stream: EmulatedStream | None = None) -> None:
        """Nothing: the work before it is done."""

    def query(self) -> bool:
        """Always done.

        Raises:
            UnsafeCall: a capture is open.
        """
        open_capture.refuse_unsafe("Event.query")
        return True

    def synchronize(self) -> None:
        """Wait for nothing.

        Raises:
            UnsafeCall: a capture is open.
        """
        open_capture.refuse_unsafe("Event.synchronize")

    def elapsed_time(self, end_event: EmulatedEvent) -> float:
        """Milliseconds of the host between two records; not a time of any device."""
        if self._seconds is None or end_event._seconds is None:
            raise RuntimeError("both events must be recorded before their elapsed time is asked for")
        return (end_event._seconds - self._seconds) * 1000.0


class EmulatedStream:
    """Stands for `torch.cuda.Stream`."""

    def __init__(self, device: object = None, priority: int = 0, **_ignored: object) -> None:
        self.device = device
        self.priority = priority
        self.cuda_stream = id(self)

    def synchronize(self) -> None:
        """Wait for nothing.

        Raises:
            UnsafeCall: a capture is open.
        """
        open_capture.refuse_unsafe("Stream.synchronize")

    def query(self) -> bool:
        """Always done.

        Raises:
            UnsafeCall: a capture is open.
        """
        open_capture.refuse_unsafe("Stream.query")
        return True

    def wait_stream(self, stream: EmulatedStream) -> None:
        """Nothing: the work before it is done. Legal in a capture."""

    def wait_event(self, event: EmulatedEvent) -> None:
        """Nothing: the work before it is done. Legal in a capture."""

    def record_event(self, event: EmulatedEvent | None = None) -> EmulatedEvent:
        """An event after the work so far."""
        event = event or EmulatedEvent()
        event.record(self)
        return event

    def __enter__(self) -> EmulatedStream:
        return self

    def __exit__(self, *_exc: object) -> None:
        return None


class StreamStack:
    """Which stream is current, per thread."""

    def __init__(self, device: torch.device) -> None:
        self._default = EmulatedStream(device)
        self._local = threading.local()

    def default(self, device: object = None) -> EmulatedStream:
        """The default stream."""
        return self._default

    def current(self, device: object = None) -> EmulatedStream:
        """The current stream of this thread."""
        found: EmulatedStream = getattr(self._local, "stream", self._default)
        return found

    def set(self, stream: EmulatedStream) -> None:
        """Make a stream current."""
        self._local.stream = stream

    @contextmanager
    def use(self, stream: EmulatedStream | None) -> Iterator[None]:
        """Make a stream current for a block; None changes nothing."""
        before = self.current()
        if stream is not None:
            self.set(stream)
        try:
            yield
        finally:
            self.set(before)
