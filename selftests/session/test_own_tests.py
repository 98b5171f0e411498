"""What a run takes up of an engine's own tests, without the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.own_tests import write_own_tests
from reports.subject_schema import OwnTests
from suite.session.own_tests import own_tests_of

TESTS = OwnTests(release="0.33.0", what="tests/test_file.py", passed=3)


def _taken(subject: str, folder: Path) -> OwnTests | None:
    return own_tests_of(subject, release="0.33.0", folder=folder, shown="reports/out/vllm")


@pytest.mark.parametrize("subject", ["vllm", "vllm+mine:model"])
def test_they_are_taken_up(tmp_path: Path, subject: str) -> None:
    """Whichever model is before the engine."""
    write_own_tests(tmp_path, TESTS)
    assert _taken(subject, tmp_path) == TESTS


def test_without_them_the_remedy_is_named(tmp_path: Path) -> None:
    """As a command that leaves them there."""
    found = _taken("vllm", tmp_path)
    assert found is not None
    assert found.standing == "unknown"
    assert "`python -m suite.witness.vllm_tests --report-dir reports/out/vllm` leaves one" in (found.reason or "")


@pytest.mark.parametrize("subject", ["reference", "fault:packing/drops-last", "sglang", "engine:Padded"])
def test_others_have_none(tmp_path: Path, subject: str) -> None:
    """A file that another subject left in the same folder says nothing of them."""
    write_own_tests(tmp_path, TESTS)
    assert _taken(subject, tmp_path) is None
