"""The laws of `suite/properties/recovery.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import recovery
from suite.session.worker import Held


@pytest.mark.laws(recovery)
def test_recovery(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
