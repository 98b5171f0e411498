"""What torch itself counted while something ran: graphs, frames and graph breaks, not the subject's word."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from unittest import mock

from torch._dynamo import guards
from torch._dynamo.utils import counters

TIMER = "profile_guard_manager"


@dataclass
class Traced:
    """What Dynamo did since the count began; complete once the block is left."""

    graphs: int = 0
    """Graphs that were traced to the end."""
    frames: int = 0
    """Python frames that Dynamo looked at, finished or not."""
    breaks: int = 0
    """Places at which a graph had to end early."""

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, each.name)} {each.name}" for each in fields(self))


@contextlib.contextmanager
def counted() -> Iterator[Traced]:
    """Counts what Dynamo does in the block, in any thread."""
    before = _now()
    traced = Traced()
    try:
        yield traced
    finally:
        after = _now()
        for each in fields(Traced):
            setattr(traced, each.name, getattr(after, each.name) - getattr(before, each.name))


@contextlib.contextmanager
def untimed_guards() -> Iterator[None]:
    """In the block Dynamo does not time the guards of what it traced.

    It empties the processor's caches for that, which is a good part of a small program's trace; the number goes into
    its metrics alone, and there is no setting for it.
    """
    if not hasattr(guards, TIMER):
        yield
        return
    with mock.patch.object(guards, TIMER, return_value=0.0):
        yield


def _now() -> Traced:
    return Traced(
        graphs=counters["stats"]["unique_graphs"],
        frames=counters["frames"]["total"],
        breaks=sum(counters["graph_break"].values()),
    )
