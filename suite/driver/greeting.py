"""One tiny session before the laws: an adapter that does not work is not to be taken for hundreds of violations."""

from __future__ import annotations

from collections.abc import Iterable

from models.api import Family, Grid, Sizes
from models.families import FAMILIES
from suite.contract.calls import Guard, SubjectFailed
from suite.contract.case import ItemSpec, Setup, draw_pixels
from suite.contract.subject import AdapterBroken, Disturbance, Refused, Subject


def trouble(subject: Subject, families: Iterable[Family] = FAMILIES) -> str | None:
    """Why nothing can be said of the subject; None if the smallest session works on one of the families.

    It starts a session, encodes the smallest item, and closes it. A family that it refuses, or does not serve, is
    passed over for the next one. The answers are only counted: their form and their values are what laws judge.
    """
    refusals = []
    served = subject.capabilities.families
    for family in (each for each in families if not served or each.name in served):
        try:
            return _session(subject, family)
        except Refused as refusal:
            refusals.append(f"{family.name}: {refusal}")
        except (AdapterBroken, Disturbance, SubjectFailed) as error:
            return f"adapter broken: the smallest session on {family.name} failed: {error}"
    return f"adapter broken: the smallest session was refused on every family: {'; '.join(refusals)}"


def _session(subject: Subject, family: Family) -> str | None:
    guard = Guard()
    unit = family.sizes.unit
    item = draw_pixels(ItemSpec(smallest(family.sizes)), family)
    with guard.call("start"):
        session = subject.start(family, Setup(budgets=(4 * unit, 8 * unit), max_items=2))
    with guard.call("encode"):
        answers = len(session.encode([item]))
    with guard.call("close"):
        session.close()
    if answers != 1:
        return f"adapter broken: the smallest session on {family.name} gave {answers} results for one item"
    return None


def smallest(sizes: Sizes) -> Grid:
    """The smallest grid of a family: one tile, or one output token."""
    return Grid(1, *(sizes.tile or (sizes.merge, sizes.merge)))
