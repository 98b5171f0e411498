"""What a law about an engine runs: starts of one engine, with what each rank's worker does, as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from suite.contract.case import Kinds, typed_fields
from suite.contract.program import COMPONENTS, MODES, Component, Mode

EngineStage = Literal["build", "compile", "capture"]
ENGINE_STAGES: tuple[EngineStage, ...] = ("build", "compile", "capture")
"""Of a start, in order: a worker's model is built, compiled and warmed up, its graphs are captured."""
TroubleKind = Literal["raises", "exits", "dies", "hangs", "stops", "nan", "infinite", "negative", "one number", "none"]
RUBBISH: tuple[TroubleKind, ...] = ("nan", "infinite", "negative", "one number", "none")
"""What a worker may report in place of its two seconds."""
LOST: tuple[TroubleKind, ...] = ("raises", "exits", "dies", "hangs", "stops")
"""How a worker may fail; all but the first need a process of its own."""
SILENT: tuple[TroubleKind, ...] = ("hangs", "stops")
"""How a worker may fail so that only a limit on time can tell: it waits for ever, or its process is stopped."""
MOST_WORKERS = 8
MOST_SECONDS = 60


@dataclass(frozen=True)
class RankCompile:
    """One compile of one rank: whole microseconds of one component, while it warms up or while it captures."""

    component: Component
    microseconds: int
    stage: EngineStage = "compile"

    def __str__(self) -> str:
        late = " in capture" if self.stage == "capture" else ""
        return f"{self.component} {self.microseconds}{late}"


@dataclass(frozen=True)
class Trouble:
    """What one worker does wrong. Rubbish is reported at the end, whatever the stage."""

    what: TroubleKind
    stage: EngineStage = "compile"

    @property
    def is_rubbish(self) -> bool:
        """Whether the worker does its work and reports something that is no pair of seconds."""
        return self.what in RUBBISH

    def __str__(self) -> str:
        return f"reports {self.what}" if self.is_rubbish else f"{self.what} in {self.stage}"


@dataclass(frozen=True)
class RankScript:
    """What one rank's worker does. Times are whole microseconds."""

    compiles: tuple[RankCompile, ...] = ()
    """In order; those of a stage before the trouble in it."""
    build: int = 0
    """Building its model takes so long."""
    other: int = 0
    """Work of the warm-up that is no compiling."""
    mode: Mode = "full"
    """Other modes compile as long, and count nothing (SPEC T2)."""
    trouble: Trouble | None = None
    has_child: bool = False
    """Whether it starts a process of its own, which would live on; in a process only."""

    def __str__(self) -> str:
        parts = [*map(str, self.compiles)]
        parts += [f"build {self.build}"] if self.build else []
        parts += [f"other {self.other}"] if self.other else []
        parts += [f"mode {self.mode}"] if self.mode != "full" else []
        parts += ["with a child"] if self.has_child else []
        parts += [str(self.trouble)] if self.trouble else []
        return f"({', '.join(parts)})"


@dataclass(frozen=True)
class EngineStart:
    """One start of the engine, over so many ranks."""

    ranks: tuple[RankScript, ...] = ()
    limit: int = 12
    """Seconds that it may take, where workers are processes."""

    @property
    def troubled(self) -> tuple[int, ...]:
        """The ranks whose workers do something wrong."""
        return tuple(rank for rank, script in enumerate(self.ranks) if script.trouble is not None)

    def __str__(self) -> str:
        return " ".join(map(str, self.ranks)) or "no ranks"


@dataclass(frozen=True)
class EngineCase:
    """Starts one after the other in one process, each of a new engine over the same configuration of the driver."""

    family: str
    starts: tuple[EngineStart, ...] = ()
    in_processes: bool = False
    """Whether each worker is a process of its own, with real time; otherwise all run here, under a virtual clock."""

    def scripts(self) -> Iterator[RankScript]:
        """Those of all ranks in all starts."""
        return (script for start in self.starts for script in start.ranks)

    def to_json(self) -> str:
        """The case as one line of JSON."""
        return json.dumps({"kind": "engine", **asdict(self)}, sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """No processes, fewer starts, ranks, compiles, troubles, other modes, children and microseconds."""
        scripts = list(self.scripts())
        compiles = [each for script in scripts for each in script.compiles]
        work = sum(script.build + script.other for script in scripts) + sum(each.microseconds for each in compiles)
        wishes = sum((script.trouble is not None) + (script.mode != "full") + script.has_child for script in scripts)
        return int(self.in_processes), len(self.starts), len(scripts), len(compiles), wishes, work

    def __str__(self) -> str:
        where = "in processes" if self.in_processes else "in this process"
        starts = "; then ".join(map(str, self.starts)) or "no start"
        return f"{self.family}: {where}: {starts}"


_CASE: Kinds = {"family": str, "starts": list, "in_processes": bool}
_START: Kinds = {"ranks": list, "limit": int}
_RANK: Kinds = {
    "compiles": list,
    "build": int,
    "other": int,
    "mode": str,
    "trouble": (dict, type(None)),
    "has_child": bool,
}
_COMPILE: Kinds = {"component": str, "microseconds": int, "stage": str}
_TROUBLE: Kinds = {"what": str, "stage": str}
_CHOICES: dict[str, tuple[str, ...]] = {
    "component": COMPONENTS,
    "mode": MODES,
    "stage": ENGINE_STAGES,
    "what": (*LOST, *RUBBISH),
}


def engine_case_from_data(data: object) -> EngineCase:
    """The case from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type, a choice does not exist, or work is less than nothing.
    """
    fields = _checked("case", data, _CASE)
    return EngineCase(**{**fields, "starts": tuple(map(_start, fields["starts"]))})


def _start(data: object) -> EngineStart:
    fields = _checked("start", data, _START)
    ranks, limit = fields["ranks"], fields["limit"]
    if len(ranks) > MOST_WORKERS:
        raise TypeError(f"a start has {len(ranks)} ranks, and should have up to {MOST_WORKERS}")
    if not 1 <= limit <= MOST_SECONDS:
        raise TypeError(f"limit of a start is {limit}, and should be from 1 to {MOST_SECONDS} s")
    return EngineStart(tuple(map(_rank, ranks)), limit)


def _rank(data: object) -> RankScript:
    fields = _checked("rank", data, _RANK)
    trouble = None if fields["trouble"] is None else Trouble(**_checked("trouble", fields["trouble"], _TROUBLE))
    compiles = tuple(RankCompile(**_checked("compile", each, _COMPILE)) for each in fields["compiles"])
    return RankScript(**{**fields, "compiles": compiles, "trouble": trouble})


def _checked(what: str, data: object, kinds: Kinds) -> dict[str, Any]:
    fields = typed_fields(what, data, kinds)
    for name, value in fields.items():
        if name in _CHOICES and value not in _CHOICES[name]:
            raise TypeError(f"{name} of the {what} is {value!r}; choose one of {', '.join(_CHOICES[name])}")
        if isinstance(value, int) and value < 0:
            raise TypeError(f"{name} of the {what} is {value}: work of less than nothing")
    return fields
