"""The laws of `suite/properties/decoration_effects.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import decoration_effects
from suite.session.worker import Held


@pytest.mark.laws(decoration_effects)
def test_decoration_effects(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
