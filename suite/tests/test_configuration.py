"""The laws of `suite/properties/configuration.py`, held on the subject: one test per law and family."""

from __future__ import annotations

import pytest

from suite.properties import configuration
from suite.session.worker import Held


@pytest.mark.laws(configuration)
def test_configuration(held: Held) -> None:
    """The law of the cell holds for every case that is drawn."""
    held()
