"""The laws of `suite/properties/sharding_processes.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import sharding_processes
from suite.session.worker import Held


@pytest.mark.laws(sharding_processes)
def test_sharding_processes(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
