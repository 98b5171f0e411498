"""The laws of `suite/properties/capture.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import capture
from suite.session.worker import Held


@pytest.mark.laws(capture)
def test_capture(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
