"""Labels of batches over ranks: the loads that must occur, decided from the case alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from models.api import Family
from suite.contract.case import Batch
from suite.contract.shard_case import MOST_RANKS, ShardCase

ShardLabel = Callable[[ShardCase, Family], bool]
MANY = 2
"""Items per rank from which on there are many."""
TEN = 10
"""Items up to which the order of numbers is that of their texts."""


def _any_batch(is_in: Callable[[Batch, ShardCase], bool]) -> ShardLabel:
    return lambda case, _family: any(is_in(batch, case) for batch in case.history)


def _tokens(batch: Batch, family: Family) -> list[int]:
    return [family.sizes.tokens(spec.grid) for spec in batch]


def _equal_sizes(batch: Batch, _case: ShardCase) -> bool:
    return len(batch) > 1 and len({spec.grid for spec in batch}) == 1


def _giant(case: ShardCase, family: Family) -> bool:
    loads = [_tokens(batch, family) for batch in case.history if len(batch) > 2]
    return any(max(tokens) > sum(tokens) / 2 for tokens in loads)


def _oversized(case: ShardCase, family: Family) -> bool:
    largest = max(case.setup.budgets, default=0)
    return any(tokens > largest > 0 for batch in case.history for tokens in _tokens(batch, family))


def _idle_after_busy(case: ShardCase, _family: Family) -> bool:
    return any(len(before) >= case.ranks > len(after) for before, after in pairwise(case.history))


def _other_order(case: ShardCase, _family: Family) -> bool:
    first, *others = case.history or ((),)
    return any(batch != first and sorted(map(str, batch)) == sorted(map(str, first)) for batch in others)


def _plant(is_in: Callable[[ShardCase, Batch], bool]) -> ShardLabel:
    return lambda case, _family: case.plant is not None and is_in(case, case.history[case.plant.batch])


SHARD_LABELS: dict[str, ShardLabel] = {
    "one-rank": lambda case, _family: case.ranks == 1,
    "most-ranks": lambda case, _family: case.ranks == MOST_RANKS,
    "more-ranks-than-items": _any_batch(lambda batch, case: 0 < len(batch) < case.ranks),
    "as-many-ranks-as-items": _any_batch(lambda batch, case: len(batch) == case.ranks),
    "many-items-a-rank": _any_batch(lambda batch, case: len(batch) >= MANY * case.ranks),
    "more-than-ten-items": _any_batch(lambda batch, _case: len(batch) > TEN),
    "empty-batch": _any_batch(lambda batch, _case: not batch),
    "equal-sizes": _any_batch(_equal_sizes),
    "one-giant": _giant,
    "oversized": _oversized,
    "graphs-off": lambda case, _family: not case.setup.enabled,
    "graphs-on": lambda case, _family: case.setup.enabled,
    "idle-after-busy": _idle_after_busy,
    "other-order": _other_order,
    "raises": _plant(lambda case, _batch: case.plant is not None and case.plant.what == "raises"),
    "another-dtype": _plant(lambda case, _batch: case.plant is not None and case.plant.what == "dtype"),
    "another-width": _plant(lambda case, _batch: case.plant is not None and case.plant.what == "width"),
    "plant-on-rank-0": _plant(lambda case, _batch: case.plant is not None and case.plant.rank == 0),
    "plant-on-an-idle-rank": _plant(lambda case, batch: case.plant is not None and case.plant.rank >= len(batch)),
    "plant-beside-idle-ranks": _plant(lambda case, batch: len(batch) < case.ranks),
}
