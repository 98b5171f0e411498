"""The laws of `suite/properties/ledger.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import ledger
from suite.session.worker import Held


@pytest.mark.laws(ledger)
def test_ledger(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
