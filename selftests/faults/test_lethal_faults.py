"""Faults that hang or end their process are caught too, each in a child process with limits."""

from __future__ import annotations

import pytest

from suite.driver.planting import plant
from suite.driver.profiles import PROFILES
from suite.faults.catalogue import FAULTS

LETHAL = [fault.id for fault in FAULTS.values() if fault.lethal]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("lethal", LETHAL)
def test_a_lethal_fault_is_caught(lethal: str) -> None:
    """The planting process lives on, and the violation says what became of the child."""
    found = plant(FAULTS[lethal], profile=PROFILES["smoke"], device="emulator")
    assert found.killed
    assert "the process of the subject" in found.text
