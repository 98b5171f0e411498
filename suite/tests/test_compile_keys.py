"""The laws of `suite/properties/compile_keys.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import compile_keys
from suite.session.worker import Held


@pytest.mark.laws(compile_keys)
def test_compile_keys(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
