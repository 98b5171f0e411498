"""Labels of histories of a cache: what must occur for its laws to mean anything, decided from the case alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from models.api import Family
from suite.contract.case import Batch, ItemSpec
from suite.contract.kept_case import KeptCase

KeptLabel = Callable[[KeptCase, Family], bool]


def _asked(case: KeptCase) -> Iterator[tuple[int, ItemSpec]]:
    """Every item that is asked for, with the number of its step."""
    for number, step in enumerate(case.steps):
        if step.does == "get":
            yield from ((number, spec) for spec in step.batch)


def _kept_before(case: KeptCase, number: int, spec: ItemSpec) -> int | None:
    """The last step before that one in which the item was kept."""
    return max((n for n in range(number) if case.steps[n].does == "keep" and spec in case.steps[n].batch), default=None)


def _between(is_in: Callable[[KeptCase, Family, int, int, ItemSpec], bool]) -> KeptLabel:
    """Whether something happened between the keeping of an item and the asking for it."""

    def found(case: KeptCase, family: Family) -> bool:
        kept = ((_kept_before(case, number, spec), number, spec) for number, spec in _asked(case))
        return any(first is not None and is_in(case, family, first, last, spec) for first, last, spec in kept)

    return found


def _layout(batch: Batch) -> list[str]:
    return [str(spec.grid) for spec in batch]


def _layout_again(case: KeptCase, _family: Family, first: int, last: int, _spec: ItemSpec) -> bool:
    batch = case.steps[first].batch
    between = (step.batch for step in case.steps[first + 1 : last] if step.does in ("keep", "encode"))
    return any(_layout(other) == _layout(batch) and other != batch for other in between)


def _larger_batch(case: KeptCase, family: Family, first: int, last: int, _spec: ItemSpec) -> bool:
    between = (step.batch for step in case.steps[first + 1 : last] if step.does in ("keep", "encode"))
    return any(_tokens(other, family) > _tokens(case.steps[first].batch, family) for other in between)


def _gone(does: str) -> KeptLabel:
    def is_in(case: KeptCase, _family: Family, first: int, last: int, spec: ItemSpec) -> bool:
        gone = (step for step in case.steps[first + 1 : last] if step.does == does)
        return any(does == "clear" or spec in step.batch for step in gone)

    return _between(is_in)


def _tokens(batch: Batch, family: Family) -> int:
    return sum(family.sizes.tokens(spec.grid) for spec in batch)


def _kept(case: KeptCase) -> Batch:
    """Every item that is kept, once."""
    return tuple(dict.fromkeys(spec for step in case.steps if step.does == "keep" for spec in step.batch))


def _never_kept(near: Callable[[ItemSpec, ItemSpec], bool]) -> KeptLabel:
    """Whether an item is asked for that is never kept, near to one that is."""
    return lambda case, _family: any(
        near(spec, other) for _, spec in _asked(case) if spec not in _kept(case) for other in _kept(case)
    )


def _larger_than_all(case: KeptCase, family: Family) -> bool:
    return any(_tokens((spec,), family) > case.capacity > 0 for spec in _kept(case))


def _part_fits(case: KeptCase, family: Family) -> bool:
    batches = (step.batch for step in case.steps if step.does == "keep" and len(step.batch) > 1)
    return any(
        _tokens(batch, family) > case.capacity >= min(_tokens((spec,), family) for spec in batch) for batch in batches
    )


KEPT_LABELS: dict[str, KeptLabel] = {
    "hit": lambda case, family: (
        _tokens(_kept(case), family) <= case.capacity
        and any(_kept_before(case, number, spec) is not None for number, spec in _asked(case))
    ),
    "eviction": lambda case, family: _tokens(_kept(case), family) > case.capacity > 0,
    "no-room-at-all": lambda case, _family: case.capacity == 0,
    "layout-again-after-a-put": _between(_layout_again),
    "kept-over-a-larger-batch": _between(_larger_batch),
    "dropped-then-asked": _gone("drop"),
    "cleared-then-asked": _gone("clear"),
    "same-layout-never-put": _never_kept(lambda spec, other: spec.grid == other.grid),
    "same-pixels-never-put": _never_kept(lambda spec, other: replace(spec, grid=other.grid) == other),
    "larger-than-the-cache": _larger_than_all,
    "part-of-a-batch-fits": _part_fits,
    "graphs-on": lambda case, _family: case.setup.enabled,
    "graphs-off": lambda case, _family: not case.setup.enabled,
}
