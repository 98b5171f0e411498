"""The laws of `suite/properties/sharding.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import sharding
from suite.session.worker import Held


@pytest.mark.laws(sharding)
def test_sharding(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
