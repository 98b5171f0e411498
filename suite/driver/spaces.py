"""The space that a law's cases on a family are drawn from."""

from __future__ import annotations

from models.api import Family, Grid
from models.families import family
from suite.contract.law import Law
from suite.contract.loading import LoadCase
from suite.contract.subject import Capabilities
from suite.oracles.eager import photographs
from suite.strategies.cases import Space

TOY = family("toy")


def space_of(law: Law, name: str, capabilities: Capabilities) -> Space:
    """The space of a law on the tower, or for a law about loading on the whole model, of that name.

    Photographs are read only for laws about them: each reading runs an image processor.
    """
    if law.kind is LoadCase:
        return Space(TOY, capabilities, model=name)
    known = family(name)
    return Space(known, capabilities, _grids(law, known))


def _grids(law: Law, known: Family) -> tuple[Grid, ...]:
    if law.inputs != "photographs" or known.processor is None:
        return ()
    return tuple(item.grid for item in photographs(known.name))


def unserved(law: Law, name: str, capabilities: Capabilities) -> str | None:
    """Why a subject does not run the tower of that name; None if it does, or if the law is about whole models."""
    if law.kind is LoadCase or capabilities.serves(name):
        return None
    return f"the subject serves {', '.join(capabilities.families)} alone"
