"""The laws of `suite/properties/real_starts.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import real_starts
from suite.session.worker import Held


@pytest.mark.laws(real_starts)
def test_real_starts(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
