"""The laws of `suite/properties/isolation.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import isolation
from suite.session.worker import Held


@pytest.mark.laws(isolation)
def test_isolation(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
