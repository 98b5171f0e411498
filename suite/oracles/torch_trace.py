"""Torch's structured trace, recorded in this process through torch's own logger, or read from its files.

Nothing of the subject is asked: what it wrote is there for everyone who sets TORCH_TRACE.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TRACE_LOGGER = "torch.__trace"
_CONTEXT = ("frame_id", "frame_compile_id", "attempt", "rank", "stack", "compiled_autograd_id", "has_payload")


@dataclass(frozen=True)
class Written:
    """One line of the trace with its payload."""

    kind: str
    facts: Any
    """What stands beside the kind, usually a table."""
    payload: str | None
    compile_id: tuple[object, object] | None
    """Frame and compile, as torch numbers them; None outside of a compile."""


@dataclass(frozen=True)
class Artifact:
    """A named piece of text or JSON."""

    name: str
    payload: str
    place: int
    """Its place among all lines."""
    compile_id: tuple[object, object] | None

    def table(self) -> dict[str, object]:
        """The payload as JSON; empty if it is no table."""
        try:
            found = json.loads(self.payload)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Span:
    """A labelled stretch of time."""

    label: str
    begins: int
    ends: int
    """Places of its two lines among all lines."""
    start: float
    """Microseconds of the wall clock."""
    duration: float
    """Microseconds."""

    def holds(self, place: int) -> bool:
        """Whether a line was written within it."""
        return self.begins < place < self.ends


@dataclass
class Trace:
    """What was written, in order."""

    lines: list[Written] = field(default_factory=list)

    def artifacts(self, prefix: str = "") -> tuple[Artifact, ...]:
        """Artifacts whose names begin so."""
        return tuple(
            Artifact(str(line.facts["name"]), line.payload or "", place, line.compile_id)
            for place, line in enumerate(self.lines)
            if line.kind == "artifact" and str(line.facts["name"]).startswith(prefix)
        )

    def names(self) -> frozenset[str]:
        """Kinds of lines, and names of artifacts, in the trace."""
        return frozenset(line.kind if line.kind != "artifact" else str(line.facts["name"]) for line in self.lines)

    def compile_ids(self, kind: str) -> frozenset[tuple[object, object] | None]:
        """Compiles to which lines of a kind belong."""
        return frozenset(line.compile_id for line in self.lines if line.kind == kind)

    def spans(self, label: str) -> tuple[Span, ...]:
        """Stretches with that label that were begun and ended; nested ones with the inner first."""
        opened: list[tuple[int, float]] = []
        found: list[Span] = []
        for place, event in self._events():
            if event.get("name") != label:
                continue
            if event.get("ph") == "B":
                opened.append((place, float(event["ts"])))
            elif event.get("ph") == "E" and opened:
                begins, start = opened.pop()
                found.append(Span(label, begins, place, start, float(event["ts"]) - start))
        return tuple(found)

    def _events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for place, line in enumerate(self.lines):
            if line.kind == "chromium_event" and line.payload is not None:
                yield place, json.loads(line.payload)


class _Keeper(logging.Handler):
    """Keeps what torch hands to the handlers of its trace."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(logging.DEBUG)
        self._trace = trace

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one line."""
        metadata: Mapping[str, Any] = getattr(record, "metadata", {})
        self._trace.lines.append(_written(metadata, getattr(record, "payload", None)))


@contextlib.contextmanager
def recorded() -> Iterator[Trace]:
    """Records everything that torch's trace is told in the block, from any thread."""
    trace = Trace()
    with _told(_Keeper(trace)):
        yield trace


@contextlib.contextmanager
def unrecorded() -> Iterator[None]:
    """In the block the trace is off, although a test runner may listen to all loggers, and this one too."""
    with _told():
        yield


@contextlib.contextmanager
def _told(*handlers: logging.Handler) -> Iterator[None]:
    """These handlers and no others are told."""
    logger = logging.getLogger(TRACE_LOGGER)
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers = list(handlers)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.handlers, level, logger.propagate = before
        logger.setLevel(level)


def read_folder(folder: Path) -> Trace:
    """The trace that a process left in its TORCH_TRACE folder, its files in the order of their names.

    Raises:
        ValueError: a line is not one of a trace.
    """
    trace = Trace()
    for path in sorted(folder.glob("*.log")):
        trace.lines += _parsed(path.read_text(encoding="utf-8").splitlines())
    return trace


def _parsed(lines: Iterable[str]) -> Iterator[Written]:
    """Each line is a prefix, `]`, and a table; the lines of its payload follow, each after a tab."""
    metadata: dict[str, Any] | None = None
    payload: list[str] = []
    for line in lines:
        if line.startswith("\t"):
            payload.append(line[1:])
            continue
        if metadata is not None:
            yield _written(metadata, "\n".join(payload) if payload else None)
        _, bracket, table = line.partition("] ")
        if not bracket:
            raise ValueError(f"not a line of a trace: {line[:120]!r}")
        metadata, payload = json.loads(table), []
    if metadata is not None:
        yield _written(metadata, "\n".join(payload) if payload else None)


def _written(metadata: Mapping[str, Any], payload: object) -> Written:
    kind = next((name for name in metadata if name not in _CONTEXT), "")
    numbers = metadata.get("frame_id"), metadata.get("frame_compile_id")
    return Written(
        kind,
        metadata.get(kind),
        None if payload is None else str(payload),
        None if numbers == (None, None) else numbers,
    )
