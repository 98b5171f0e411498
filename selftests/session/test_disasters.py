"""Runs that end badly leave records that can be read, a report, and no green."""

from __future__ import annotations

import pytest

from selftests.session.runs import LAWS, Ran

pytestmark = pytest.mark.timeout(180)
"""Processes are started: on a busy machine each takes many seconds."""


def test_an_interrupt_leaves_readable_records(interrupted: Ran) -> None:
    """Exit code 2; what ran is there, the rest is not taken for green, and the file says that it is not whole."""
    records = interrupted.records
    assert interrupted.status == 2
    assert not records.complete
    assert records.gaps
    assert 0 < len(records.laws) < len(records.plan.laws) == len(LAWS)
    assert {law.verdict for law in records.laws} == {"holds"}


def test_an_interrupt_leaves_a_report(interrupted: Ran) -> None:
    """The page is there, and says that laws are missing."""
    assert "planned, but did not run" in interrupted.report
    assert "3 of 3 laws hold" not in interrupted.output


def test_a_killed_worker_is_a_violation(killed: Ran) -> None:
    """The law under way is violated with its cause; the others ran; the tool itself did not fail."""
    found = {law.law: law for law in killed.records.laws}
    assert killed.status == 1
    assert "INTERNALERROR" not in killed.output + killed.errors
    assert sorted(found) == LAWS
    victim = found.pop("packing/smallest-budget")
    assert victim.verdict == "violated"
    assert victim.violation is not None
    assert victim.violation.because == "the subject ended the interpreter"
    assert "crashed while running" in victim.violation.actual
    assert {law.verdict for law in found.values()} == {"holds"}


def test_workers_change_no_verdict(killed: Ran, runs: dict[str, Ran]) -> None:
    """The laws that two workers finished have the verdicts, the cases and the labels of the run in one process."""
    expected = runs["green"].verdicts
    expected.pop(("packing/smallest-budget", "toy"))
    found = killed.verdicts
    found.pop(("packing/smallest-budget", "toy"))
    assert found == expected
    assert {law.worker for law in runs["green"].records.laws} == {"main"}
    assert {law.worker for law in killed.records.laws} & {"gw0", "gw1", "gw2"}


def test_a_killed_worker_has_a_stable_id(killed: Ran) -> None:
    """The record of a death is told apart by the test alone, the same on every run."""
    violation = next(law.violation for law in killed.records.laws if law.verdict == "violated")
    assert violation is not None
    assert violation.id == "a07a30ef"
    assert violation.reproduce
