"""The laws of `suite/properties/packing.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import packing
from suite.session.worker import Held


@pytest.mark.laws(packing)
def test_packing(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
