"""The laws of `suite/properties/decoration.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import decoration
from suite.session.worker import Held


@pytest.mark.laws(decoration)
def test_decoration(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
