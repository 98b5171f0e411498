"""What a law on the startup benchmark runs: cold and warm starts with what each says of itself, as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from suite.contract.case import Kinds, typed_fields

Phase = Literal["cold", "fill", "warm"]
"""Starts with an empty cache, the start that fills one, and starts with that one (SPEC T8)."""
How = Literal["raises", "interrupted", "dies"]
"""A start raises; the user interrupts it; its process, which it must have of its own, is killed."""
HOWS: tuple[How, ...] = get_args(How)
MOST_STARTS = 16


@dataclass(frozen=True, order=True)
class ScriptedStart:
    """What one start says of itself. Times are whole microseconds, of which nothing must add up."""

    startup: int = 0
    """From the call until the engine is ready."""
    init: int = 0
    language_model: int = 0
    """Compile time of the language model."""
    encoder: int = 0
    compiles: int = 0
    loads: int = 0

    def __str__(self) -> str:
        times = "/".join(map(str, (self.startup, self.init, self.language_model, self.encoder)))
        return (
            times
            + (f" {self.compiles} compiled" if self.compiles else "")
            + (f" {self.loads} loaded" if self.loads else "")
        )


@dataclass(frozen=True, order=True)
class Failing:
    """The start that goes wrong."""

    start: int
    """Its place among all starts, from 0."""
    how: How = "raises"

    def __str__(self) -> str:
        return f"start {self.start} {'is interrupted' if self.how == 'interrupted' else self.how}"


@dataclass(frozen=True)
class StartupCase:
    """One run of the benchmark: cold starts, one that fills a cache, warm starts."""

    family: str
    """Of the model that real starts start; scripted ones start nothing."""
    cold: tuple[ScriptedStart, ...] = (ScriptedStart(),)
    fill: ScriptedStart = ScriptedStart()
    warm: tuple[ScriptedStart, ...] = (ScriptedStart(),)
    failing: Failing | None = None
    full: int | None = None
    """The place of the start from which on nothing more can be written to disk."""
    processes: bool = False
    """Whether each start is a process of its own, as real ones are."""
    encoder: bool = True
    """Whether real starts compile encoders too."""

    def starts(self) -> Iterator[tuple[Phase, int, ScriptedStart]]:
        """Phase, number in its phase from 1, and script of every start, in order."""
        yield from (("cold", number, each) for number, each in enumerate(self.cold, 1))
        yield "fill", 1, self.fill
        yield from (("warm", number, each) for number, each in enumerate(self.warm, 1))

    def to_json(self) -> str:
        """The case as one line of JSON."""
        return json.dumps({"kind": "startup", **asdict(self)}, sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """Fewer starts, no failure, fewer different times, less time."""
        every = [each for _, _, each in self.starts()]
        times = [time for each in every for time in (each.startup, each.init, each.language_model, each.encoder)]
        wrong = int(self.failing is not None) + int(self.full is not None)
        return len(every), wrong, len(set(times)), sum(times), int(self.processes)

    def __str__(self) -> str:
        cold, warm = (f"[{'; '.join(map(str, each))}]" for each in (self.cold, self.warm))
        wrong = f"  {self.failing}" if self.failing else ""
        wrong += "" if self.full is None else f"  disk full from start {self.full}"
        ways = f"{'  processes' if self.processes else ''}{'' if self.encoder else '  no encoders'}"
        return f"{self.family}: cold {cold}  fill [{self.fill}]  warm {warm} us{wrong}{ways}"


_START: Kinds = dict.fromkeys(ScriptedStart.__dataclass_fields__, int)
_FAILING: Kinds = {"start": int, "how": str}
_CASE: Kinds = {
    "family": str,
    "cold": list,
    "fill": dict,
    "warm": list,
    "failing": (dict, type(None)),
    "full": (int, type(None)),
    "processes": bool,
    "encoder": bool,
}


def startup_case_from_data(data: object) -> StartupCase:
    """The case from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown, of the wrong type or below 0, or a phase has no start or too many.
    """
    fields = typed_fields("case", data, _CASE)
    phases = {phase: tuple(map(_start, fields[phase])) for phase in ("cold", "warm")}
    for phase, starts in phases.items():
        if not 1 <= len(starts) <= MOST_STARTS:
            raise TypeError(f"{phase} of the case has {len(starts)} starts, and should have from 1 to {MOST_STARTS}")
    failing = None if fields["failing"] is None else _failing(fields["failing"])
    return StartupCase(**{**fields, **phases, "fill": _start(fields["fill"]), "failing": failing})


def _start(data: object) -> ScriptedStart:
    fields = typed_fields("start", data, _START)
    for name, value in fields.items():
        if value < 0:
            raise TypeError(f"{name} of the start is {value}, and should be 0 or more")
    return ScriptedStart(**fields)


def _failing(data: object) -> Failing:
    fields = typed_fields("failing start", data, _FAILING)
    if fields["how"] not in HOWS:
        raise TypeError(f"how of the failing start is {fields['how']!r}; choose one of {', '.join(HOWS)}")
    return Failing(**fields)
