"""What real starts say of themselves, as the table that the report draws."""

from __future__ import annotations

from collections.abc import Sequence

from suite.contract.sheets import MeasuredStart, StartPhase, StartupSheet
from suite.contract.startup import StartFacts


def startup_sheet(cold: Sequence[StartFacts], warm: Sequence[StartFacts], *, note: str) -> StartupSheet:
    """Both phases, each start in order; seconds are the subject's own."""
    phases = (("cold", cold), ("warm", warm))
    return StartupSheet(
        phases=tuple(StartPhase(phase=name, starts=tuple(map(_measured, starts))) for name, starts in phases),
        note=note,
    )


def _measured(facts: StartFacts) -> MeasuredStart:
    return MeasuredStart(**vars(facts))
