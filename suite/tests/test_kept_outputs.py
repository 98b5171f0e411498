"""The laws of `suite/properties/kept_outputs.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import kept_outputs
from suite.session.worker import Held


@pytest.mark.laws(kept_outputs)
def test_kept_outputs(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
