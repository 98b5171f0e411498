"""The laws of `suite/properties/values.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import values
from suite.session.worker import Held


@pytest.mark.laws(values)
def test_values(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
