"""The laws of `suite/properties/startup.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import startup
from suite.session.worker import Held


@pytest.mark.laws(startup)
def test_startup(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
