"""Batches over two or four processes: long histories, for a session is dear and a batch is not; and ends of ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from models.api import Family
from suite.contract.case import Batch
from suite.contract.shard_case import STAGES, Plant, PlantKind, ShardCase
from suite.strategies.cases import Space
from suite.strategies.ladders import setups
from suite.strategies.shard_labels import ShardLabel
from suite.strategies.shards import OFF, equal_sizes, few, giant_among_dwarfs, many_small

WORLDS = (2, 4)
"""Numbers of processes: with two every rank has one neighbour, with four there are ranks that are none."""


@st.composite
def process_shards(draw: st.DrawFn, space: Space) -> ShardCase:
    """Four to six batches over two or four processes, graphs on or off: one busy, one idle and one empty among them."""
    sizes = space.family.sizes
    ranks = draw(st.sampled_from(WORLDS), label="ranks")
    setup = draw(setups(sizes, max_budgets=1), label="setup") if draw(st.booleans(), label="graphs") else OFF
    busy = draw(many_small(sizes, ranks=ranks), label="busy")
    idle = draw(few(sizes).map(lambda batch: batch[: ranks - 1]), label="idle")
    kinds = st.one_of(few(sizes), equal_sizes(sizes), giant_among_dwarfs(sizes))
    others = draw(st.lists(kinds, min_size=1, max_size=3), label="others")
    history: tuple[Batch, ...] = tuple(draw(st.permutations([busy, idle, (), *others]), label="history"))
    return ShardCase(space.family.name, ranks, setup, history)


def ending(*kinds: PlantKind, batches: int, goes_on: bool = False) -> Callable[[Space], st.SearchStrategy[ShardCase]]:
    """So many batches of such histories with a plant in the last one that has items, mostly on a rank with an item.

    With `goes_on`, two more items come after it.
    """

    @st.composite
    def drawn(draw: st.DrawFn, space: Space) -> ShardCase:
        case = draw(process_shards(space), label="case")
        full = [batch for batch in case.history if batch]
        history = [*case.history[: batches - 1], draw(st.sampled_from(full), label="batch of the plant")]
        busy = min(case.ranks, len(history[-1]))
        rank = draw(st.sampled_from([*range(busy), case.ranks - 1]), label="rank")
        what = draw(st.sampled_from(kinds), label="what")
        at = draw(st.sampled_from(STAGES), label="at") if what in ("dies", "hangs") else "encoding"
        after = [draw(few(space.family.sizes), label="after")] if goes_on else []
        return replace(case, history=(*history, *after), plant=Plant(rank, len(history) - 1, what, at))

    return drawn


RANK_PROCESSES: dict[str, Callable[[Space], st.SearchStrategy[ShardCase]]] = {
    "process_shards": process_shards,
    "process_failures": ending("raises", "dtype", "width", batches=2, goes_on=True),
    "process_deaths": ending("dies", batches=2),
    "process_silences": ending("hangs", batches=1),
    "process_ends": ending("raises", "dies", batches=1),
}


def _plant(is_in: Callable[[Plant], bool]) -> ShardLabel:
    return lambda case, _family: case.plant is not None and is_in(case.plant)


def _ranks(number: int) -> ShardLabel:
    def is_in(case: ShardCase, _family: Family) -> bool:
        return case.ranks == number

    return is_in


PROCESS_LABELS: dict[str, ShardLabel] = {
    "two-ranks": _ranks(2),
    "four-ranks": _ranks(4),
    "dies": _plant(lambda plant: plant.what == "dies"),
    "hangs": _plant(lambda plant: plant.what == "hangs"),
    "ends-before-a-batch": _plant(lambda plant: plant.at == "before"),
    "ends-between-collectives": _plant(lambda plant: plant.at == "between"),
}
