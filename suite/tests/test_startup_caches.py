"""The laws of `suite/properties/startup_caches.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import startup_caches
from suite.session.worker import Held


@pytest.mark.laws(startup_caches)
def test_startup_caches(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
