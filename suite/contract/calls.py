"""One call of a subject: what it raises, prints without end, or returns wrongly becomes `SubjectFailed`."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

from suite.contract.sheets import Sheet
from suite.contract.subject import AdapterBroken, Disturbance, Refused

FLOOD_CHARACTERS = 1 << 20
"""A subject that prints more than this in one call is flooding."""


class SubjectFailed(Exception):
    """The subject raised, flooded, or returned rubbish; the text is the cause of the violation."""

    sheet: Sheet | None = None
    """What was seen until then, for the report."""


class Flood(RuntimeError):
    """A subject printed without end."""


class _Meter(io.TextIOBase):
    """Swallows text and raises once there is too much of it."""

    def __init__(self) -> None:
        self.seen = 0

    def write(self, text: str) -> int:
        self.seen += len(text)
        if self.seen > FLOOD_CHARACTERS:
            raise Flood(f"printed more than {FLOOD_CHARACTERS} characters in one call")
        return len(text)


class Guard:
    """Remembers which call of the subject is under way, so that a time-out can name it."""

    def __init__(self) -> None:
        self.inside: str | None = None

    @contextlib.contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Runs one call of the subject. What interrupts it, a time-out, passes and leaves `inside` as it is.

        Raises:
            SubjectFailed: for any exception but a refusal, a planted disturbance or a broken adapter; an exit
                of the interpreter is one.
        """
        outer, self.inside = self.inside, name
        meter = _Meter()
        try:
            with contextlib.redirect_stdout(meter), contextlib.redirect_stderr(meter):
                yield
        except (Refused, AdapterBroken, Disturbance):
            self.inside = outer
            raise
        except (Exception, SystemExit) as error:
            self.inside = outer
            raise SubjectFailed(f"{name} raised {type(error).__name__}: {error}") from error
        self.inside = outer
