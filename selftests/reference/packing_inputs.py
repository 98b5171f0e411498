"""Loads and limits to pack, and the cheapest plan by trying all of them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from reference.encoder_graph.packing import Limits, Load

NAMES = ("greedy", "deferral", "least_cost")


def sized(*tokens: int) -> list[Load]:
    """Images of so many tokens each."""
    return [Load(count) for count in tokens]


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    """Ladders of powers of two and of anything, few and many items, with and without a frame limit."""
    powers = st.integers(0, 8).map(lambda top: tuple(64 << step for step in range(top + 1)))
    anything = st.sets(st.integers(1, 4096), min_size=1, max_size=8).map(lambda some: tuple(sorted(some)))
    return Limits(
        budgets=draw(powers | anything),
        max_items=draw(st.integers(1, 9)),
        max_frames=draw(st.none() | st.integers(1, 12)),
    )


def loads(allowed: Limits, *, most: int, least: int = 0) -> st.SearchStrategy[list[Load]]:
    """Items from one token to just above the largest budget, often at the edge of a budget."""
    top = allowed.budgets[-1]
    edges = [budget + step for budget in allowed.budgets for step in (-1, 0, 1) if budget + step >= 1]
    tokens = st.integers(1, top + 1) | st.integers(1, max(1, top // 8)) | st.sampled_from(edges)
    return st.lists(st.builds(Load, tokens, frames=st.integers(1, 5)), min_size=least, max_size=most)


def least_possible_cost(items: Sequence[Load], allowed: Limits, *, overhead: int) -> int:
    """Cost of the cheapest plan, over every way to split the items that some graph can hold into bins."""
    fit = [item for item in items if allowed.hold(tokens=item.tokens, items=1, frames=item.frames)]
    return _try_all(fit, [], allowed, overhead)


def _try_all(left: Sequence[Load], bins: list[list[Load]], allowed: Limits, overhead: int) -> int:
    """The next item joins each bin in turn, or opens one."""
    if not left:
        return sum(_bin_cost(bin_, allowed) + overhead for bin_ in bins)
    item, others = left[0], left[1:]
    costs = [_try_all(others, [*bins, [item]], allowed, overhead)]
    for place, bin_ in enumerate(bins):
        joined = [*bin_, item]
        tokens, frames = sum(one.tokens for one in joined), sum(one.frames for one in joined)
        if allowed.hold(tokens=tokens, items=len(joined), frames=frames):
            costs.append(_try_all(others, [*bins[:place], joined, *bins[place + 1 :]], allowed, overhead))
    return min(costs)


def _bin_cost(bin_: Sequence[Load], allowed: Limits) -> int:
    tokens = sum(item.tokens for item in bin_)
    return min(budget for budget in allowed.budgets if budget >= tokens)
