"""Which decorations the cases of a column hold, where what is known to be wrong would hide everything else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DecorationScope:
    """Classes and calls that a column is judged on. The first column of a subject leaves all of this as it is."""

    annotations: tuple[str, ...] = ()
    """How tensors are annotated, as `models.class_trees` names it; empty: in all ways."""
    without: tuple[str, ...] = ()
    """Features that no tree has."""
    fewest_rows: int = 0
    """Fewer rows are in no call."""
    one_form: bool = False
    """Whether all calls of a case give their arguments in one form."""
    plain_beside: bool = True
    """Whether plain instances of classes that were decorated, or of classes below those, are made and called."""


EVERYTHING = DecorationScope()
"""Cases as they are drawn."""
