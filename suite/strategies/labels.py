"""Labels: the classes of inputs that must occur (DESIGN rule 9), decided from the case alone."""

from __future__ import annotations

from collections.abc import Callable

from models.api import Family, Grid
from suite.contract.case import Batch, Case

Label = Callable[[Case, Family], bool]


def _totals(case: Case, family: Family) -> list[int]:
    return [_total(batch, family) for batch in case.history]


def _total(batch: Batch, family: Family) -> int:
    return sum(family.sizes.tokens(spec.grid) for spec in batch)


def _near(case: Case, family: Family, past: int) -> bool:
    return any(
        total == budget + past * family.sizes.unit for total in _totals(case, family) for budget in case.setup.budgets
    )


def _oversized(batch: Batch, case: Case, family: Family) -> list[bool]:
    largest = max(case.setup.budgets, default=0)
    return [family.sizes.tokens(spec.grid) > largest > 0 for spec in batch]


def _equal_totals(case: Case, family: Family) -> bool:
    split = {(_total(batch, family), tuple(spec.grid for spec in batch)) for batch in case.history if batch}
    totals = [total for total, _ in split]
    return len(totals) > len(set(totals))


def _seen_before(case: Case, _family: Family) -> bool:
    shapes = [tuple(spec.grid for spec in batch) for batch in case.history if batch]
    return len(shapes) > len(set(shapes))


def _companions(batch: Batch, case: Case, family: Family) -> bool:
    """Whether two items of the batch may share a graph."""
    smallest = sorted(family.sizes.tokens(spec.grid) for spec in batch)[:2]
    return len(smallest) == 2 <= case.setup.max_items and sum(smallest) <= max(case.setup.budgets, default=0)


def _frames_bind(batch: Batch, case: Case, family: Family) -> bool:
    """Whether the batch would fit a graph, and each of its clips does, but not all their frames."""
    frames = [1 if family.sizes.tile else spec.grid.frames for spec in batch]
    limit = case.setup.max_frames
    fits = len(batch) <= case.setup.max_items and _total(batch, family) <= max(case.setup.budgets, default=0)
    return limit is not None and fits and sum(frames) > limit >= max(frames, default=0)


def _layout(batch: Batch) -> tuple[Grid, ...]:
    return tuple(spec.grid for spec in batch)


LABELS: dict[str, Label] = {
    "one-under": lambda case, family: _near(case, family, -1),
    "exact-fit": lambda case, family: _near(case, family, 0),
    "one-over": lambda case, family: _near(case, family, 1),
    "over-the-cap": lambda case, _family: any(len(batch) == case.setup.max_items + 1 > 1 for batch in case.history),
    "empty-batch": lambda case, _family: any(not batch for batch in case.history),
    "oversized": lambda case, family: any(any(_oversized(batch, case, family)) for batch in case.history),
    "all-oversized": lambda case, family: any(batch and all(_oversized(batch, case, family)) for batch in case.history),
    "smallest-item": lambda case, family: any(
        family.sizes.tokens(spec.grid) == family.sizes.unit for batch in case.history for spec in batch
    ),
    "single-item": lambda case, _family: any(len(batch) == 1 for batch in case.history),
    "equal-totals": _equal_totals,
    "shape-seen-before": _seen_before,
    "video": lambda case, _family: any(spec.modality == "video" for batch in case.history for spec in batch),
    "several-budgets": lambda case, _family: len(set(case.setup.budgets)) > 1,
    "crowd": lambda case, _family: any(len(batch) > 12 for batch in case.history),
    "many-layouts": lambda case, _family: len({_layout(batch) for batch in case.history}) > 12,
    "long-history": lambda case, _family: len(case.history) > 20,
    "companions": lambda case, family: any(_companions(batch, case, family) for batch in case.history),
    "frames-bind": lambda case, family: any(_frames_bind(batch, case, family) for batch in case.history),
    "blank-image": lambda case, _family: any(spec.fill == 0 for batch in case.history for spec in batch),
}
