"""The laws of `suite/properties/staleness.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import staleness
from suite.session.worker import Held


@pytest.mark.laws(staleness)
def test_staleness(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
