"""The laws of `suite/properties/compiled.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import compiled
from suite.session.worker import Held


@pytest.mark.laws(compiled)
def test_compiled(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
