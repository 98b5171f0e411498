"""What compilation did, counted: compiles, loads, saves and rejections (SPEC C3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields


@dataclass
class CompilationCounter:
    """Whole numbers since construction. One counter may be shared by several back ends and threads."""

    num_models_seen: int = 0
    """Decorated instances that compiled or loaded a program."""
    num_graphs_seen: int = 0
    """Graphs that Dynamo handed to a piecewise back end."""
    num_pieces_seen: int = 0
    """Pieces of those graphs, the eager ones at splitting operations included."""
    num_pieces_shared: int = 0
    """Pieces and ranges answered by an equal piece compiled or loaded earlier in this process."""
    num_backend_compilations: int = 0
    """Pieces and ranges that a piece compiler really compiled."""
    num_conditional_compiles: int = 0
    """Those whose code runs for some sizes only, and eager for others, each with a warning."""
    num_eager_compiles: int = 0
    num_aot_eager_compiles: int = 0
    num_inductor_compiles: int = 0
    num_fallbacks_to_eager: int = 0
    """Pieces and ranges left in eager, each with a warning: no compiler, or baked to some sizes."""
    num_artifacts_loaded: int = 0
    num_artifacts_saved: int = 0
    num_artifacts_rejected: int = 0
    """Damaged, foreign or stale entries of the cache, each with a warning."""
    num_aot_compiles: int = 0
    """Whole programs traced ahead of time."""
    num_aot_saves: int = 0
    num_aot_loads: int = 0
    num_aot_rejected: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every number that is counted."""
        return tuple(each.name for each in fields(cls) if not each.name.startswith("_"))

    def add(self, name: str, count: int = 1) -> None:
        """Adds to one number, safely from any thread.

        Raises:
            ValueError: nothing is counted under that name.
        """
        _require_known(name)
        with self._lock:
            setattr(self, name, getattr(self, name) + count)

    def snapshot(self) -> dict[str, int]:
        """All numbers as they are now."""
        with self._lock:
            return {name: getattr(self, name) for name in self.names()}

    @contextmanager
    def expect(self, **deltas: int) -> Iterator[None]:
        """Within it, the named numbers grow by exactly so much; what is not named may do as it likes.

        Raises:
            ValueError: a name that is not counted, before the body runs.
            AssertionError: on normal exit, with every number that grew by something else.
        """
        for name in deltas:
            _require_known(name)
        before = self.snapshot()
        yield
        after = self.snapshot()
        wrong = [
            f"{name} grew by {after[name] - before[name]}, expected {wanted}"
            for name, wanted in deltas.items()
            if after[name] - before[name] != wanted
        ]
        if wrong:
            raise AssertionError("; ".join(wrong))


def _require_known(name: str) -> None:
    known = CompilationCounter.names()
    if name not in known:
        raise ValueError(f"{name!r} is not counted: give one of {', '.join(known)}.")
