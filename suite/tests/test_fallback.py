"""The laws of `suite/properties/fallback.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import fallback
from suite.session.worker import Held


@pytest.mark.laws(fallback)
def test_fallback(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
