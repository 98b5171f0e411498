"""Plants a fault and looks whether the laws named for it catch it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from models.families import family
from suite.contract.verdict import Outcome
from suite.driver.catalogue import law_named
from suite.driver.profiles import Profile
from suite.driver.search import search
from suite.driver.spaces import space_of
from suite.driver.ticket import FAULT, columns_of, guarded
from suite.faults.fault import Fault
from suite.subjects.registry import Device

EXAMPLES = 60
"""Cases in which a law must catch its fault."""


@dataclass(frozen=True)
class Planted:
    """What became of one fault."""

    fault: Fault
    by: str | None
    """The law that caught it."""
    cases: int
    seconds: float
    verdicts: dict[str, str]

    @property
    def killed(self) -> bool:
        """Whether a law named for the fault called it violated; an unknown verdict kills nothing."""
        return self.by is not None


def plant(fault: Fault, *, profile: Profile, device: Device) -> Planted:
    """Holds the laws named for the fault against it, until the first violation."""
    started = time.monotonic()
    hunt = replace(profile, shrink_seconds=0.0)
    columns = columns_of(FAULT + fault.id, device=device)
    broken = next(column.subject for column in columns if column.name == fault.column)
    subject = guarded(broken)
    verdicts: dict[str, str] = {}
    cases = 0
    for name in fault.caught_by:
        law = law_named(name)
        space = space_of(law, family(fault.family), subject.capabilities)
        found = search(law, space, subject, profile=hunt, examples=EXAMPLES)
        cases += found.cases
        verdicts[name] = found.verdict.outcome.value
        if found.verdict.outcome is Outcome.VIOLATED:
            return Planted(fault, name, cases, time.monotonic() - started, verdicts)
    return Planted(fault, None, cases, time.monotonic() - started, verdicts)
