"""Every planted fault is caught by a law that is named for it."""

from __future__ import annotations

from suite.driver.planting import Planted


def test_fault_is_caught(planted: Planted) -> None:
    """One of the laws named for the fault is violated by it."""
    fault = planted.fault
    assert planted.killed, f"fault {fault.id} ({fault.breaks}) survived {planted.cases} cases: {planted.verdicts}"
