"""What torch itself counted while something ran: graphs, frames and graph breaks, not the subject's word."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, fields

from torch._dynamo.utils import counters


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


def _now() -> Traced:
    return Traced(
        graphs=counters["stats"]["unique_graphs"],
        frames=counters["frames"]["total"],
        breaks=sum(counters["graph_break"].values()),
    )
