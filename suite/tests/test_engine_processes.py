"""The laws of `suite/properties/engine_processes.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import engine_processes
from suite.session.worker import Held


@pytest.mark.laws(engine_processes)
def test_engine_processes(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
