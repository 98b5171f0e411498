"""The laws of `suite/properties/compile_counts.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import compile_counts
from suite.session.worker import Held


@pytest.mark.laws(compile_counts)
def test_compile_counts(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
