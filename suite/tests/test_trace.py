"""The laws of `suite/properties/trace.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import trace
from suite.session.worker import Held


@pytest.mark.laws(trace)
def test_trace(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
