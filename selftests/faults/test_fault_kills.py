"""Each named law catches its fault, and for its own reason: not because the broken part stumbles over itself."""

from __future__ import annotations

import pytest

from suite.contract.verdict import Violation
from suite.driver.catalogue import law_named
from suite.driver.planting import EXAMPLES, hunting
from suite.driver.profiles import PROFILES
from suite.driver.search import search
from suite.driver.spaces import space_of
from suite.driver.ticket import FAULT, columns_of, guarded
from suite.faults.catalogue import FAULTS
from suite.faults.fault import Fault

_STUMBLES = ("TypeError", "AttributeError", "NameError", "KeyError", "IndexError", "AssertionError", "ImportError")
_RAISING = ("decoration/by-name-in-order", "decoration_effects/reads-a-mark")
"""Faults of which a good call that raises is the very symptom."""
_PAIRS = [
    pytest.param(fault, law, id=f"{fault.id}-{law}")
    for fault in FAULTS.values()
    if not fault.lethal
    for law in fault.caught_by
]


def _violation(fault: Fault, law: str) -> Violation | None:
    columns = columns_of(FAULT + fault.id, device="emulator")
    subject = guarded(next(column.subject for column in columns if column.name == fault.column))
    named = law_named(law)
    space = space_of(named, fault.family, subject.capabilities)
    return search(
        named, space, subject, profile=hunting(PROFILES["premerge"], fault), examples=EXAMPLES
    ).verdict.violation


@pytest.mark.parametrize(("fault", "law"), _PAIRS)
def test_law_catches_its_fault(fault: Fault, law: str) -> None:
    """Every law named for a fault is violated by it, also those after the first."""
    violation = _violation(fault, law)
    assert violation is not None
    if fault.id in _RAISING:
        return
    assert not [stumble for stumble in _STUMBLES if f"raised {stumble}" in violation.actual], violation.actual
