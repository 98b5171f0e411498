"""The laws of `suite/properties/lifecycle.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import lifecycle
from suite.session.worker import Held


@pytest.mark.laws(lifecycle)
def test_lifecycle(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
