"""The cheapest way to cut the sorted items into runs: the plan that the search starts from (SPEC G4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from reference.encoder_graph.plan import Limits, Load


def cheapest_runs(loads: Sequence[Load], limits: Limits, *, overhead: int) -> list[range]:
    """Places in `loads`, cut into neighbours that share a bin, at the least cost that such a cut can have.

    `loads` ascend by tokens and each fits a graph alone. `greedy`, `deferral` and every item alone are such
    cuts, so none of them is cheaper. A dynamic program from the end: for each start and budget only the
    longest run counts, because fewer items left are never dearer.
    """
    count = len(loads)
    tokens = [0, *accumulate(load.tokens for load in loads)]
    frames = [0, *accumulate(load.frames for load in loads)]
    costs = [0] * (count + 1)
    ends = [0] * count
    for start in range(count - 1, -1, -1):
        last = min(start + limits.max_items, count)
        if limits.max_frames is not None:
            last = min(last, bisect_right(frames, frames[start] + limits.max_frames) - 1)
        options = []
        for budget in limits.budgets:
            end = min(bisect_right(tokens, tokens[start] + budget) - 1, last)
            if end > start:
                options.append((budget + overhead + costs[end], end))
            if end == last:
                break
        costs[start], ends[start] = min(options)
    return _cut(ends)


def _cut(ends: Sequence[int]) -> list[range]:
    """The runs, given where a run from each place ends."""
    runs = []
    start = 0
    while start < len(ends):
        runs.append(range(start, ends[start]))
        start = ends[start]
    return runs
