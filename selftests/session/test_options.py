"""Every wrong option is answered with one sentence and exit code 4, before anything runs."""

from __future__ import annotations

import pytest

from selftests.session.options import WRONG
from selftests.session.runs import Ran

pytestmark = pytest.mark.timeout(180)
"""Processes are started: on a busy machine each takes many seconds."""


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_option_is_answered_with_one_sentence(name: str, runs: dict[str, Ran]) -> None:
    """Exit code 4, and one line that names the value and the valid ones: no trace of our own files."""
    ran = runs[name]
    lines = [line for line in ran.errors.splitlines() if line.strip()]
    assert ran.status == 4
    assert len(lines) == 1, ran.errors
    assert lines[0].removeprefix("ERROR: ").startswith(WRONG[name][1])
    assert not ran.folder.exists()
