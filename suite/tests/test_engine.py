"""The laws of `suite/properties/engine.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import engine
from suite.session.worker import Held


@pytest.mark.laws(engine)
def test_engine(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
