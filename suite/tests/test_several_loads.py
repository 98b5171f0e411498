"""The laws of `suite/properties/several_loads.py`, held on the subject: one test per law and whole model."""

from __future__ import annotations

import pytest

from suite.properties import several_loads
from suite.session.worker import Held


@pytest.mark.laws(several_loads)
def test_several_loads(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
