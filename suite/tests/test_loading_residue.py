"""The laws of `suite/properties/loading_residue.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import loading_residue
from suite.session.worker import Held


@pytest.mark.laws(loading_residue)
def test_loading_residue(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
