"""The laws of `suite/properties/ownership.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import ownership
from suite.session.worker import Held


@pytest.mark.laws(ownership)
def test_ownership(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
