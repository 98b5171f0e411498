"""The laws of `suite/properties/compiled_effects.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import compiled_effects
from suite.session.worker import Held


@pytest.mark.laws(compiled_effects)
def test_compiled_effects(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
