"""Test ids and what they stand for: records, plans and crash reports all meet here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from suite.driver.catalogue import LAWS, Cell

_NODE = re.compile(r"test_(?P<topic>\w+)\.py::test_\w+\[(?P<parameter>.+)\]$")
_CELL = re.compile(r"(?P<name>[\w-]+)@(?P<family>\w+)(?:\+(?P<column>[\w ]+))?$")
FAULTS = "faults"


@dataclass(frozen=True)
class PlantedFault:
    """The id of a fault that a test plants."""

    id: str


def subject_of(node: str) -> Cell | PlantedFault | None:
    """The cell or the fault behind a test id; None for any other test."""
    found = _NODE.search(node)
    if found is None:
        return None
    topic, parameter = found["topic"], found["parameter"]
    if topic == FAULTS:
        return PlantedFault(parameter)
    cell = _CELL.match(parameter)
    law = LAWS.get(f"{topic}/{cell['name']}") if cell else None
    return Cell(law, cell["family"], cell["column"] or "") if cell and law else None
