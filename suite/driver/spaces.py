"""The space that a law's cases on a family are drawn from."""

from __future__ import annotations

from models.api import Family, Grid
from suite.contract.law import Law
from suite.contract.subject import Capabilities
from suite.oracles.eager import photographs
from suite.strategies.cases import Space


def space_of(law: Law, family: Family, capabilities: Capabilities) -> Space:
    """Photographs are read only for laws about them: each reading runs an image processor."""
    grids: tuple[Grid, ...] = ()
    if law.inputs == "photographs" and family.processor is not None:
        grids = tuple(item.grid for item in photographs(family.name))
    return Space(family, capabilities, grids)
