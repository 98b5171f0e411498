"""What a compile law runs: programs started one after the other over one cache directory, as plain data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from suite.contract.case import Kinds, typed_fields

Component = Literal["language_model", "encoder"]
Mode = Literal["none", "stock", "full"]
COMPONENTS: tuple[Component, ...] = ("language_model", "encoder")
MODES: tuple[Mode, ...] = ("none", "stock", "full")
Damage = Literal["truncated", "garbage", "other-version", "removed", "unwritable"]
DAMAGES: tuple[Damage, ...] = ("truncated", "garbage", "other-version", "removed", "unwritable")


@dataclass(frozen=True, order=True)
class ProgramSpec:
    """One module to compile: a name that `models.programs` knows, and what of it tracing bakes."""

    name: str
    scale: float = 1.0
    """A Python number in the forward: another one is another program."""
    depth: int = 1
    """How many equal blocks it has."""
    optional: bool = False
    """Whether the optional tensor argument is given: None and a tensor are two programs (BUG-C01)."""
    environment: str = ""
    """Value of the environment variable that the forward reads while it is traced (BUG-C14)."""

    def __str__(self) -> str:
        marks = [f"scale {self.scale:g}"] if self.scale != 1.0 else []
        marks += [f"depth {self.depth}"] if self.depth != 1 else []
        marks += ["with optional"] if self.optional else []
        marks += [f"environment {self.environment!r}"] if self.environment else []
        return f"{self.name}({', '.join(marks)})" if marks else self.name


@dataclass(frozen=True, order=True)
class Call:
    """The inputs of one call: units of each item, and a seed for the values."""

    sizes: tuple[int, ...]
    seed: int = 0
    instance: int = 0
    """Which of the program's instances is called."""

    @property
    def total(self) -> int:
        """Units of all items."""
        return sum(self.sizes)

    def __str__(self) -> str:
        return f"{list(self.sizes)}" + (f"#{self.instance}" if self.instance else "")


@dataclass(frozen=True, order=True)
class CompileSetup:
    """How a subject is told to compile (SPEC C1-C3)."""

    mode: Mode = "full"
    backend: str = "eager"
    component: Component = "encoder"
    split: bool = False
    """Whether the graph is split at the program's seams."""
    ranges: tuple[int, ...] = ()
    """Ends of the compile ranges in units, ascending; an encoder's last range is open."""
    aot: bool = False
    """Whether compiled programs are saved whole and loaded without tracing."""
    instances: int = 1
    """Modules of this class with other weights."""
    cached: bool = True
    """Whether the workspace's cache directory is used."""
    trace: bool = False
    """Whether torch's structured trace is on."""

    def __str__(self) -> str:
        wishes = [self.mode, self.backend, self.component]
        wishes += ["split"] if self.split else []
        wishes += [f"ranges {list(self.ranges)}"] if self.ranges else []
        wishes += ["ahead of time"] if self.aot else []
        wishes += [f"{self.instances} instances"] if self.instances > 1 else []
        wishes += [] if self.cached else ["no cache"]
        wishes += ["traced"] if self.trace else []
        return ", ".join(wishes)


@dataclass(frozen=True, order=True)
class Start:
    """One start of a process, as far as compiling goes: nothing in memory, only the cache directory lives on."""

    program: ProgramSpec
    setup: CompileSetup = CompileSetup()
    calls: tuple[Call, ...] = ()
    damage: Damage | None = None
    """What happened to the cache directory before this start."""

    def __str__(self) -> str:
        calls = " ".join(map(str, self.calls)) or "no calls"
        after = f"  after damage {self.damage!r}" if self.damage else ""
        return f"{self.program} [{self.setup}]: {calls}{after}"


@dataclass(frozen=True)
class ProgramCase:
    """Starts that share one cache directory, in order."""

    family: str
    starts: tuple[Start, ...] = ()

    def to_json(self) -> str:
        """The case as one line of JSON."""
        return json.dumps({"kind": "program", **asdict(self)}, sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """Fewer starts, fewer calls, fewer units, plainer setups."""
        calls = [call for start in self.starts for call in start.calls]
        wishes = sum(len(str(start.setup)) + len(str(start.program)) for start in self.starts)
        return len(self.starts), len(calls), sum(call.total for call in calls), wishes

    def __str__(self) -> str:
        return f"{self.family}: " + "  then  ".join(map(str, self.starts))


_CASE: Kinds = {"family": str, "starts": list}
_START: Kinds = {"program": dict, "setup": dict, "calls": list, "damage": (str, type(None))}
_PROGRAM: Kinds = {"name": str, "scale": (int, float), "depth": int, "optional": bool, "environment": str}
_CALL: Kinds = {"sizes": list, "seed": int, "instance": int}
_SETUP: Kinds = {
    "mode": str,
    "backend": str,
    "component": str,
    "split": bool,
    "ranges": list,
    "aot": bool,
    "instances": int,
    "cached": bool,
    "trace": bool,
}


def program_case_from_data(data: object) -> ProgramCase:
    """The case from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type.
    """
    fields = typed_fields("case", data, _CASE)
    return ProgramCase(fields["family"], tuple(map(_start, fields["starts"])))


def _start(data: object) -> Start:
    fields = typed_fields("start", data, _START)
    program = ProgramSpec(**typed_fields("program", fields["program"], _PROGRAM))
    setup = typed_fields("setup", fields["setup"], _SETUP)
    calls = tuple(_call(call) for call in fields["calls"])
    return Start(program, CompileSetup(**{**setup, "ranges": tuple(setup["ranges"])}), calls, fields["damage"])


def _call(data: object) -> Call:
    fields = typed_fields("call", data, _CALL)
    return Call(**{**fields, "sizes": tuple(fields["sizes"])})
