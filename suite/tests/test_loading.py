"""The laws of `suite/properties/loading.py`, held on the subject: one test per law and whole model."""

from __future__ import annotations

import pytest

from suite.properties import loading
from suite.session.worker import Held


@pytest.mark.laws(loading)
def test_loading(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
