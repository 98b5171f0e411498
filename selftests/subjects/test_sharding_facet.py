"""The facet of the reference over ranks: what is watched is what happened, also where a rank is stuck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from models.api import Grid, Item
from models.families import family
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.shard_plan import ShardPlan
from reference.encoder_graph.sharding import EncodeLocal, RankFailed, ShardedEncoder
from suite.contract.case import ItemSpec, Setup, draw_pixels
from suite.contract.shard_case import Plant
from suite.contract.sharding import RankAnswer, SeenCollective
from suite.contract.subject import Disturbance, Refused
from suite.emulator.ranks import RankMissing
from suite.subjects.reference import ReferenceSubject
from suite.subjects.reference_parts import Parts, ShardingParts

TOY = family("toy")
OFF = Setup(enabled=False)
ITEMS = [draw_pixels(ItemSpec(Grid(1, 2, 2 * units), seed=units), TOY) for units in (1, 4, 2)]


def _answers(
    items: Sequence[Item], *, ranks: int = 3, setup: Setup = OFF, plant: Plant | None = None, parts: Parts | None = None
) -> Sequence[RankAnswer]:
    session = ReferenceSubject(parts=parts).start_ranks(TOY, setup, ranks)
    try:
        return session.encode(items, plant)
    finally:
        session.close()


@pytest.mark.parametrize("setup", [OFF, Setup((2,), 1)], ids=["eager", "graphs"])
def test_every_rank_is_watched(setup: Setup) -> None:
    """The largest item first: places by rank, and two collectives of one size on each."""
    answers = _answers(ITEMS, setup=setup)
    assert [answer.encoded for answer in answers] == [(1,), (2,), (0,)]
    headers = SeenCollective("all_gather", (8,), "int64", 64)
    rows = SeenCollective("all_gather", (4, TOY.width), "float32", 4 * TOY.width * 4)
    assert [answer.collectives for answer in answers] == [(headers, rows)] * 3
    assert [[len(output) for output in answer.outputs or ()] for answer in answers] == [[1, 4, 2]] * 3


def test_one_rank_encodes_all_and_gathers_nothing() -> None:
    """The mode says nothing where there is nobody else."""
    (answer,) = _answers(ITEMS, ranks=1)
    assert (answer.encoded, answer.collectives) == ((0, 1, 2), ())


def test_a_planted_exception_is_the_ranks_own() -> None:
    """On its rank it comes back as it is; the others are told."""
    answers = _answers(ITEMS, plant=Plant(1))
    assert [type(answer.error) for answer in answers] == [RankFailed, Disturbance, RankFailed]
    assert answers[1].encoded == (2,)
    assert not any(answer.stuck for answer in answers)


@pytest.mark.parametrize(("what", "form"), [("dtype", f"{TOY.width} x torch.float64"), ("width", f"{TOY.width - 1} x")])
def test_a_planted_form_reaches_the_reference(what: str, form: str) -> None:
    """The rows of that rank alone have it."""
    answers = _answers(ITEMS, plant=Plant(2, 0, "dtype" if what == "dtype" else "width"))
    assert all(f"rank 2: rows of {form}" in str(answer.error) for answer in answers)


def test_a_plant_on_an_idle_rank_does_nothing() -> None:
    """There is no item at which it could go wrong."""
    answers = _answers(ITEMS[:1], plant=Plant(2))
    assert [answer.encoded for answer in answers] == [(0,), (), ()]
    assert not any(answer.error for answer in answers)


class _Leaves(ShardedEncoder):
    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        return super().encode(items) if self._collectives.rank else []


def test_a_rank_that_waits_is_stuck() -> None:
    """At once, with the rank that does not come."""
    first, *others = _answers(ITEMS, parts=Parts(sharding=ShardingParts(encoder=_Leaves)))
    assert first.outputs == []
    assert all(answer.stuck and isinstance(answer.error, RankMissing) for answer in others)


class _GathersAtOnce(ShardedEncoder):
    def __init__(self, encode_local: EncodeLocal, *, collectives: Collectives, **wishes: Any) -> None:  # noqa: ANN401 - the factory's own
        super().__init__(encode_local, collectives=collectives, **wishes)
        collectives.all_gather(torch.zeros(1))


def test_a_collective_at_the_start_is_refused() -> None:
    """Captures and set-ups of ranks are not told to happen at the same time."""
    with pytest.raises(RuntimeError, match="rank 0 enters a collective at its start"):
        _answers(ITEMS, parts=Parts(sharding=ShardingParts(encoder=_GathersAtOnce)))


class _Copies(ShardedEncoder):
    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        return super()._encode_own([Item(item.grid, item.pixels.clone()) for item in items], plan)


def test_a_strange_item_is_seen() -> None:
    """An encoder that is handed another item than those of the batch is told so by the place -1."""
    answers = _answers(ITEMS, parts=Parts(sharding=ShardingParts(encoder=_Copies)))
    assert [answer.encoded for answer in answers] == [(-1,), (-1,), (-1,)]


def test_a_bad_setup_is_refused() -> None:
    """As one of a session on one rank is."""
    with pytest.raises(Refused, match="budgets"):
        ReferenceSubject().start_ranks(TOY, Setup((-1,)), 2)
