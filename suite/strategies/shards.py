"""Batches over ranks: few items for many ranks, many for few, one giant among dwarfs, none at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from models.api import Sizes
from suite.contract.case import Batch, Setup
from suite.contract.shard_case import MOST_RANKS, Plant, PlantKind, ShardCase
from suite.strategies.cases import Space
from suite.strategies.ladders import setups
from suite.strategies.mixes import items, oversized_items, small_items

LARGEST = 16
"""Largest item of a batch without a ladder, in units."""
MOST_ITEMS = 12
"""Of a batch: the best assignment of so many is found by trying."""
GRAPHED_RANKS = 3
"""Up to so many ranks capture graphs: one after the other, each costs as much as a session of its own."""
OFF = Setup(enabled=False)


@st.composite
def worlds(draw: st.DrawFn, sizes: Sizes, *, least_ranks: int = 1) -> tuple[int, Setup]:
    """Ranks, and how each is configured: any number with graphs off, or a few with one budget each."""
    both = [(ranks, graphs) for ranks in range(least_ranks, MOST_RANKS + 1) for graphs in (False, True)]
    known = [(ranks, graphs) for ranks, graphs in both if ranks <= GRAPHED_RANKS or not graphs]
    ranks, graphs = draw(st.sampled_from(known), label="ranks, and graphs on")
    return ranks, draw(setups(sizes, max_budgets=1), label="setup") if graphs else OFF


def _most(sizes: Sizes) -> int:
    """Units of a giant."""
    return min(LARGEST, sizes.max_tokens // sizes.unit)


def _batch_of(draw: st.DrawFn, sizes: Sizes, units: Sequence[int]) -> Batch:
    """Items of so many units each; equal ones have pixels of their own."""
    drawn = [draw(items(sizes, tokens=count * sizes.unit), label="item") for count in units]
    return tuple(replace(spec, seed=number, fill=None) for number, spec in enumerate(drawn))


@st.composite
def few(draw: st.DrawFn, sizes: Sizes) -> Batch:
    """One to three items of any size."""
    return _batch_of(draw, sizes, draw(st.lists(st.integers(1, _most(sizes)), min_size=1, max_size=3), label="units"))


@st.composite
def equal_sizes(draw: st.DrawFn, sizes: Sizes) -> Batch:
    """Two items or more of one size, whose order nothing but their pixels tells."""
    units = draw(st.integers(1, min(4, _most(sizes))), label="units")
    return _batch_of(draw, sizes, [units] * draw(st.integers(2, 9), label="items"))


@st.composite
def giant_among_dwarfs(draw: st.DrawFn, sizes: Sizes) -> Batch:
    """One item larger than all others together, anywhere among them."""
    dwarfs = draw(st.integers(2, max(2, min(8, _most(sizes) - 1))), label="dwarfs")
    place = draw(st.integers(0, dwarfs), label="place")
    return _batch_of(draw, sizes, [_most(sizes) if number == place else 1 for number in range(dwarfs + 1)])


@st.composite
def many_small(draw: st.DrawFn, sizes: Sizes, *, ranks: int) -> Batch:
    """One small item more than ranks, or as many as a batch has at most, of one unit or two."""
    count = draw(st.sampled_from([min(ranks + 1, MOST_ITEMS), MOST_ITEMS]), label="items")
    return _batch_of(draw, sizes, [draw(st.integers(1, 2), label="units") for _ in range(count)])


@st.composite
def striped(draw: st.DrawFn, sizes: Sizes, *, ranks: int) -> Batch:
    """A giant for every turn of the ranks: one rank has them all if items are dealt like cards."""
    turns = draw(st.integers(2, 3), label="turns")
    count = min(turns * ranks, MOST_ITEMS)
    return _batch_of(draw, sizes, [1 if number % ranks else _most(sizes) for number in range(count)])


@st.composite
def giant_last(draw: st.DrawFn, sizes: Sizes, *, ranks: int) -> Batch:
    """Dwarfs that fill all ranks but one up to a giant, which comes after them."""
    parts = draw(st.integers(1, min(4, max(1, (MOST_ITEMS - 1) // max(1, ranks - 1)))), label="dwarfs a rank")
    dwarf = max(1, _most(sizes) // parts)
    dwarfs = min((ranks - 1) * parts, MOST_ITEMS - 1)
    return _batch_of(draw, sizes, [*[dwarf] * dwarfs, min(dwarf * parts, _most(sizes))])


@st.composite
def some_oversized(draw: st.DrawFn, sizes: Sizes, setup: Setup) -> Batch:
    """An item that no graph can hold, alone or among small ones."""
    small = draw(st.lists(small_items(sizes, setup), max_size=3), label="small items")
    place = draw(st.integers(0, len(small)), label="place")
    return (*small[:place], draw(oversized_items(sizes, setup), label="oversized"), *small[place:])


def _batches(sizes: Sizes, setup: Setup, *, ranks: int) -> st.SearchStrategy[Batch]:
    """Any batch with an item."""
    ladder = [some_oversized(sizes, setup)] if setup.enabled else []
    loads = (giant_among_dwarfs(sizes), many_small(sizes, ranks=ranks), striped(sizes, ranks=ranks))
    return st.one_of(few(sizes), equal_sizes(sizes), *loads, *ladder)


@st.composite
def shards(draw: st.DrawFn, space: Space, *, least_ranks: int = 1) -> ShardCase:
    """Up to three batches of every kind, some empty or the first in another order, over one to eight ranks."""
    sizes = space.family.sizes
    ranks, setup = draw(worlds(sizes, least_ranks=least_ranks), label="world")
    batch = _batches(sizes, setup, ranks=ranks)
    first = draw(batch, label="batch 0")
    turned = st.permutations(first).map(tuple)
    others = draw(st.lists(st.one_of(batch, turned, st.just(())), max_size=2), label="later batches")
    return ShardCase(space.family.name, ranks, setup, (first, *others))


@st.composite
def loaded_shards(draw: st.DrawFn, space: Space) -> ShardCase:
    """Two batches that can be shared out badly, each followed by itself begun at another item; graphs off."""
    sizes = space.family.sizes
    ranks = draw(st.integers(1, MOST_RANKS), label="ranks")
    of_ranks = [kind(sizes, ranks=ranks) for kind in (giant_last, striped, many_small)]
    loads = st.one_of(few(sizes), giant_among_dwarfs(sizes), *of_ranks)
    history: list[Batch] = []
    for batch in (draw(loads, label="batch"), draw(loads, label="another batch")):
        start = draw(st.integers(0, len(batch) - 1), label="begun at")
        history += [batch, batch[start:] + batch[:start]]
    return ShardCase(space.family.name, ranks, OFF, tuple(history))


@st.composite
def idle_shards(draw: st.DrawFn, space: Space) -> ShardCase:
    """Fewer items than ranks, or none, before and after a batch that keeps every rank busy."""
    sizes = space.family.sizes
    ranks, setup = draw(worlds(sizes, least_ranks=2), label="world")
    one_to_most = st.integers(1, _most(sizes))
    idle = [
        _batch_of(draw, sizes, draw(st.lists(one_to_most, max_size=min(ranks - 1, 3)), label="units")) for _ in range(2)
    ]
    busy = draw(many_small(sizes, ranks=ranks), label="busy")
    history = draw(st.permutations([*idle, busy, ()]), label="history")
    return ShardCase(space.family.name, ranks, setup, tuple(history))


def planted(*kinds: PlantKind) -> Callable[[Space], st.SearchStrategy[ShardCase]]:
    """Batches over two ranks or more with a plant, mostly on a rank that has an item, and a batch after it."""

    @st.composite
    def drawn(draw: st.DrawFn, space: Space) -> ShardCase:
        what = draw(st.sampled_from(kinds), label="what")
        case = draw(shards(space, least_ranks=2), label="case")
        number = draw(st.sampled_from([n for n, batch in enumerate(case.history) if batch]), label="batch")
        busy = min(case.ranks, len(case.history[number]))
        rank = draw(st.sampled_from([*range(busy), case.ranks - 1]), label="rank")
        after = _batch_of(draw, space.family.sizes, [2, 1])
        return replace(case, history=(*case.history, after), plant=Plant(rank, number, what))

    return drawn


SHARDS: dict[str, Callable[[Space], st.SearchStrategy[ShardCase]]] = {
    "shards": shards,
    "loaded_shards": loaded_shards,
    "idle_shards": idle_shards,
    "failing_shards": planted("raises"),
    "unequal_shards": planted("dtype", "width"),
}
