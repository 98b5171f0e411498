"""What one example of each law costs on the toy, by the suite's own search with a fixed number of examples."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

from benchmarks.measure import Effort, Figures
from models.families import FAMILIES
from suite.contract.guard import GuardedSubject
from suite.contract.law import Law
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.profiles import profile
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import columns_of, guarded
from suite.strategies.catalogue import unreachable

EXAMPLES = 5
"""Examples of each law in one reading; every reading has a seed of its own, so no answer is cached."""
TOY = FAMILIES[0]
PROFILE = dataclasses.replace(profile("seeds"), search_seconds=60.0, shrink_seconds=0.0)


def laws(effort: Effort, *, chosen: Sequence[Law] = tuple(LAWS.values())) -> Figures:
    """Milliseconds of one example by law, generation included, the dearest first, and their sum."""
    subject = guarded(columns_of("reference", device="emulator")[0].subject)
    said_nothing = {law.id: reason for law in chosen if (reason := _inapplicable(law, subject))}
    found = {law.id: _readings(law, subject, effort) for law in chosen if law.id not in said_nothing}
    costs = {name: _milliseconds(readings) for name, readings in found.items()}
    return {
        "family": TOY.name,
        "examples": EXAMPLES * effort.repeats,
        "milliseconds_per_example": dict(sorted(costs.items(), key=lambda pair: -pair[1])),
        "milliseconds_of_one_example_of_each": round(sum(costs.values()), 1),
        "inapplicable": said_nothing,
        "not_held": [name for name, readings in found.items() if not all(map(_held, readings))],
    }


def _readings(law: Law, subject: GuardedSubject, effort: Effort) -> list[Found]:
    """One search per repeat; the search before them pays for what is made on first use."""
    space = space_of(law, TOY.name, subject.capabilities)
    found = [
        search(law, space, subject, profile=PROFILE, seed=seed, examples=EXAMPLES) for seed in range(effort.repeats + 1)
    ]
    return found[1:]


def _milliseconds(readings: Sequence[Found]) -> float:
    return round(statistics.median(found.seconds / max(1, found.cases) for found in readings) * 1e3, 2)


def _held(found: Found) -> bool:
    return found.verdict.outcome is Outcome.HOLDS


def _inapplicable(law: Law, subject: GuardedSubject) -> str | None:
    missing = law.missing(subject.capabilities)
    if missing:
        return f"the subject does not declare {', '.join(missing)}"
    return unreachable(law.inputs, space_of(law, TOY.name, subject.capabilities))
