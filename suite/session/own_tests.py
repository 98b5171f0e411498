"""What the judged engine's own tests said: taken up from the folder of the report, where their run left it."""

from __future__ import annotations

from pathlib import Path

from reports.own_tests import read_own_tests
from reports.subject_schema import OwnTests
from suite.subjects.registry import MODEL
from suite.subjects.strangers import STRANGERS


def own_tests_of(subject: str, *, release: str, folder: Path, shown: str) -> OwnTests | None:
    """What they said of that release, or why that is not known; None of a subject whose own tests cannot be run.

    `shown` is the folder of the report as a user would type it.
    """
    stranger = STRANGERS.get(subject.partition(MODEL)[0])
    if stranger is None or not stranger.own_tests:
        return None
    remedy = f"`python -m {stranger.own_tests} --report-dir {shown}`"
    return read_own_tests(folder, release=release, remedy=remedy)
