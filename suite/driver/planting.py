"""Plants a fault and looks whether the laws named for it catch it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from suite.contract.verdict import Outcome
from suite.driver.catalogue import Cell, law_named
from suite.driver.checker import checked
from suite.driver.profiles import Profile
from suite.driver.recording import Line, Place
from suite.driver.ticket import FAULT, columns_of, guarded
from suite.faults.fault import Fault
from suite.subjects.registry import Device

EXAMPLES = 60
"""Cases in which a law must catch its fault."""
PATIENCE = 50.0
"""Seconds for these cases, below the limit of a test: their number decides, not how busy the machine is."""


STUMBLES = ("TypeError", "AttributeError", "NameError", "KeyError", "IndexError", "AssertionError", "ImportError")
"""Exceptions by which a wrong part falls over itself."""


@dataclass(frozen=True)
class Planted:
    """What became of one fault."""

    fault: Fault
    by: str | None
    """The law that caught it."""
    cases: int
    seconds: float
    verdicts: dict[str, str]
    text: str
    """The violation that caught it, as a terminal shows it."""

    @property
    def killed(self) -> bool:
        """Whether a law named for the fault called it violated; an unknown verdict kills nothing."""
        return self.by is not None


def hunting(profile: Profile, fault: Fault) -> Profile:
    """The profile for planting a fault: no shrinking, and time for all cases, unless the fault may hang."""
    seconds = profile.search_seconds if fault.lethal else PATIENCE
    return replace(profile, shrink_seconds=0.0, search_seconds=seconds)


def plant(fault: Fault, *, profile: Profile, device: Device) -> Planted:
    """Holds the laws named for the fault against it, until the first violation."""
    started = time.monotonic()
    hunt = hunting(profile, fault)
    name = FAULT + fault.id
    column = next(each for each in columns_of(name, device=device) if each.name == fault.column)
    subject = guarded(column.subject)
    place = Place(node=f"suite/tests/test_faults.py::test_fault_is_caught[{fault.id}]", subject=name, device=device)
    verdicts: dict[str, str] = {}
    cases = 0
    for law_id in fault.caught_by:
        cell = Cell(law_named(law_id), fault.family, fault.column)
        found = checked(cell, subject, place, profile=hunt, seed=0, examples=EXAMPLES)
        cases += found.cases
        verdicts[law_id] = found.outcome.value
        if found.outcome is Outcome.VIOLATED and stumbles(fault, _actual(found.line)):
            verdicts[law_id] = Outcome.UNKNOWN.value
        elif found.outcome is Outcome.VIOLATED:
            return Planted(fault, law_id, cases, time.monotonic() - started, verdicts, found.text)
    return Planted(fault, None, cases, time.monotonic() - started, verdicts, "")


def stumbles(fault: Fault, actual: str) -> bool:
    """Whether a violation shows no more than that the wrong part cannot run: that proves nothing of a law."""
    return not fault.raises and any(f"raised {each}" in actual for each in STUMBLES)


def _actual(line: Line) -> str:
    violation = line.get("violation")
    return str(violation["actual"]) if isinstance(violation, dict) else ""


def fault_line(planted: Planted) -> Line:
    """The record of one fault."""
    return {
        "kind": "fault",
        "fault": planted.fault.id,
        "area": planted.fault.area,
        "breaks": planted.fault.breaks,
        "source": planted.fault.source,
        "caught_by": list(planted.fault.caught_by),
        "killed": planted.killed,
        "by": planted.by,
        "cases": planted.cases,
        "seconds": round(planted.seconds, 3),
        "verdicts": planted.verdicts,
    }
