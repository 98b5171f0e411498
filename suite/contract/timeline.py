"""What a ledger law runs: compiles of several workers and threads under a virtual clock, as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from suite.contract.case import Kinds, typed_fields
from suite.contract.program import Component, Mode

Path = Literal["load", "aot", "jit"]
PATHS: tuple[Path, ...] = ("load", "aot", "jit")
"""The three ways to a compiled program (SPEC T3): an artifact is loaded, compiled ahead of time, or just in time."""


@dataclass(frozen=True)
class Compile:
    """One compile: what it does while it is monitored, and how it ends. Times are whole microseconds."""

    path: Path
    component: Component = "encoder"
    worker: int = 0
    steps: tuple[int | Compile, ...] = ()
    """Work of so many microseconds, or a compile nested in this one."""
    fails: bool = False
    """Whether it raises after its last step."""
    caught: bool = True
    """Whether what encloses it catches its failure and goes on; otherwise the failure is the enclosing one's too."""
    failed_load: int | None = None
    """Microseconds of a load that fails before a path other than `load` is taken."""
    first_run: int = 0
    """Microseconds of the forward that follows: on `jit` it runs inside the monitor, on the others outside."""

    def nested(self) -> Iterator[Compile]:
        """The compiles that are directly inside."""
        return (step for step in self.steps if isinstance(step, Compile))

    def count(self) -> int:
        """Compiles in this tree."""
        return 1 + sum(inner.count() for inner in self.nested())

    def microseconds(self) -> int:
        """All work in this tree, whether it is counted or not."""
        own = sum(step for step in self.steps if isinstance(step, int)) + (self.failed_load or 0) + self.first_run
        return own + sum(inner.microseconds() for inner in self.nested())

    def __str__(self) -> str:
        marks = f"{self.path} {self.component}" + (f"@{self.worker}" if self.worker else "")
        marks += f" after a failed load of {self.failed_load}" if self.failed_load is not None else ""
        ending = (" fails" + ("" if self.caught else " uncaught")) if self.fails else ""
        run = f" run {self.first_run}" if self.first_run else ""
        return f"{marks}({' '.join(map(str, self.steps))}{ending}{run})"


@dataclass(frozen=True)
class Timeline:
    """Compiles of each thread one after the other; whose turn it is at each step of work is drawn too."""

    family: str
    modes: tuple[Mode, ...] = ("full",)
    """Compile mode of each worker; every worker has its own configuration."""
    threads: tuple[tuple[Compile, ...], ...] = ()
    turns: tuple[int, ...] = (0,)
    """The n-th step of work is done by the living thread of number `turns[n % len(turns)]` modulo their count."""

    def compiles(self) -> Iterator[Compile]:
        """The outermost compiles of all threads."""
        return (compile_ for thread in self.threads for compile_ in thread)

    def to_json(self) -> str:
        """The timeline as one line of JSON."""
        return json.dumps({"kind": "timeline", **asdict(self)}, sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """Fewer threads, compiles, workers and microseconds."""
        compiles = sum(outer.count() for outer in self.compiles())
        work = sum(outer.microseconds() for outer in self.compiles())
        return len(self.threads), compiles, len(self.modes), work

    def __str__(self) -> str:
        threads = "  |  ".join(", ".join(map(str, thread)) for thread in self.threads)
        return f"{self.family}: modes {list(self.modes)}, threads {threads}, turns {list(self.turns)}"


@dataclass(frozen=True)
class Counters:
    """One worker's seconds, as its configuration says them."""

    language_model: float
    encoder: float


@dataclass(frozen=True)
class Ledger:
    """What is seen after a timeline."""

    counters: tuple[Counters, ...]
    """One of each worker."""
    messages: tuple[str, ...]
    """Every line that was logged, formatted, in order."""
    escaped: tuple[str, ...]
    """Failures that reached the caller of an outermost compile, by type and text; planted ones are among them."""
    hashes_equal: bool
    """Whether each worker's configuration hashed the same before and after."""
    reprs_equal: bool
    """Whether each worker's configuration had the same `repr` before and after."""


_TIMELINE: Kinds = {"family": str, "modes": list, "threads": list, "turns": list}
_COMPILE: Kinds = {
    "path": str,
    "component": str,
    "worker": int,
    "steps": list,
    "fails": bool,
    "caught": bool,
    "failed_load": (int, type(None)),
    "first_run": int,
}


def timeline_from_data(data: object) -> Timeline:
    """The timeline from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type.
    """
    fields = typed_fields("case", data, _TIMELINE)
    threads = tuple(tuple(_compile(each) for each in thread) for thread in fields["threads"])
    return Timeline(fields["family"], tuple(fields["modes"]), threads, tuple(fields["turns"]))


def _compile(data: object) -> Compile:
    fields = typed_fields("compile", data, _COMPILE)
    steps = tuple(step if isinstance(step, int) else _compile(step) for step in fields["steps"])
    return Compile(**{**fields, "steps": steps})
