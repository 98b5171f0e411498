"""What a ledger law runs: compiles of several workers and threads under a virtual clock, as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from suite.contract.case import Kinds, typed_fields
from suite.contract.program import COMPONENTS, MODES, Component, Mode

Path = Literal["load", "aot", "jit"]
PATHS: tuple[Path, ...] = ("load", "aot", "jit")
"""The three ways to a compiled program (SPEC T3): an artifact is loaded, compiled ahead of time, or just in time."""


@dataclass(frozen=True)
class Compile:
    """One compile: what it does while it is monitored, and how it ends. Times are whole microseconds.

    A worker of mode `none` or `stock` is monitored like any other; nothing of it is counted (SPEC T2).
    """

    path: Path
    component: Component = "encoder"
    worker: int = 0
    steps: tuple[int | Compile, ...] = ()
    """Work of so many microseconds, or a compile nested in this one."""
    fails: bool = False
    """Whether it raises after its last step. What ends a `load` is no `Exception` but an interruption: any other
    failure of a load is a damaged artifact, which is `failed_load` of the path that follows."""
    caught: bool = True
    """Whether what encloses it catches its failure and goes on; otherwise the failure is the enclosing one's too."""
    failed_load: int | None = None
    """Microseconds of a load that fails before a path other than `load` is taken."""
    misfit: bool = False
    """Whether that load fails because what it gives does not fit the inputs, and not because an artifact is damaged."""
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
        why = "misfit" if self.misfit else "failed load"
        marks += f" after a {why} of {self.failed_load}" if self.failed_load is not None else ""
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
    """Who has the n-th turn, see `next_thread`. A thread starts with its first turn, does one step of work in each,
    and goes on to just before its next step; other threads' work is wall time to the monitors that it holds open."""

    def next_thread(self, turn: int, living: Sequence[int]) -> int:
        """The thread that has a turn: number `turns[turn % len(turns)]`, modulo their count, of those not at an end."""
        return living[self.turns[turn % len(self.turns)] % len(living)]

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
    """What each compile that raised raised to the code around it, in order: `planted_failure` of the compile that
    began it, or type and text of an exception that nobody planted. One that passes three compiles is there thrice."""
    hashes_equal: bool
    """Whether each worker's configuration hashed the same before and after."""
    reprs_equal: bool
    """Whether each worker's configuration had the same `repr` before and after."""


def planted_failure(thread: int, place: Sequence[int]) -> str:
    """Name of the failure of one compile: its thread, its number there, and the steps that lead to it from that."""
    return f"failure planted in thread {thread}, compile {'.'.join(map(str, place))}"


_TIMELINE: Kinds = {"family": str, "modes": list, "threads": list, "turns": list}
_COMPILE: Kinds = {
    "path": str,
    "component": str,
    "worker": int,
    "steps": list,
    "fails": bool,
    "caught": bool,
    "failed_load": (int, type(None)),
    "misfit": bool,
    "first_run": int,
}


def timeline_from_data(data: object) -> Timeline:
    """The timeline from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type.
    """
    fields = typed_fields("case", data, _TIMELINE)
    for mode in fields["modes"]:
        _one_of("mode", mode, MODES)
    if not fields["turns"] or not all(_is_number(turn) for turn in fields["turns"]):
        raise TypeError(f"turns are {fields['turns']!r}, not a list of one whole number or more")
    workers = range(len(fields["modes"]))
    threads = tuple(tuple(_compile(each, workers) for each in thread) for thread in fields["threads"])
    return Timeline(fields["family"], tuple(fields["modes"]), threads, tuple(fields["turns"]))


def _compile(data: object, workers: Sequence[int]) -> Compile:
    fields = typed_fields("compile", data, _COMPILE)
    _one_of("path", fields["path"], PATHS)
    _one_of("component", fields["component"], COMPONENTS)
    _one_of("worker", fields["worker"], workers)
    if fields["path"] == "load" and fields["failed_load"] is not None:
        raise TypeError("failed_load goes before a path other than 'load'")
    work = (fields["failed_load"] or 0, fields["first_run"], *(step for step in fields["steps"] if _is_number(step)))
    if any(microseconds < 0 for microseconds in work):
        raise TypeError(f"work of less than nothing in {work!r}")
    steps = tuple(step if _is_number(step) else _compile(step, workers) for step in fields["steps"])
    return Compile(**{**fields, "steps": steps})


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _one_of(what: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise TypeError(f"{what} {value!r}; choose one of {', '.join(map(str, choices))}")
