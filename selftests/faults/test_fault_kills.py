"""Each named law catches its fault, and for its own reason: not because the broken part stumbles over itself."""

from __future__ import annotations

import pytest

from suite.contract.verdict import Violation
from suite.driver.catalogue import law_named
from suite.driver.planting import EXAMPLES, hunting, stumbles
from suite.driver.profiles import PROFILES
from suite.driver.search import search
from suite.driver.spaces import space_of
from suite.driver.ticket import FAULT, columns_of, guarded
from suite.faults.catalogue import FAULTS
from suite.faults.fault import Fault

_PAIRS = [
    pytest.param(fault, law, id=f"{fault.id}-{law}")
    for fault in FAULTS.values()
    if not fault.lethal
    for law in fault.caught_by[1:]
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
    """Every law named for a fault after the first one, which the suite itself plants it for, is violated by it."""
    violation = _violation(fault, law)
    assert violation is not None
    assert not stumbles(fault, violation.actual), violation.actual


def test_a_part_that_stumbles_kills_nothing() -> None:
    """Unless an exception is what the fault is about; other exceptions may be the subject's answer."""
    quiet, loud = (next(fault for fault in FAULTS.values() if fault.raises is raises) for raises in (False, True))
    assert stumbles(quiet, "encode raised TypeError: no such argument")
    assert not stumbles(loud, "encode raised TypeError: no such argument")
    assert not stumbles(quiet, "encode raised RuntimeError: no graph")
    assert not stumbles(quiet, "")
