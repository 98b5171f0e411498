"""Ranks that are not the reference's: one loop over shares in one thread, and a log of what would be gathered.

It shares no code with the reference. What it does in one line, a test may do wrongly in one line.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.api import Family, Item
from models.towers import build_tower
from suite.contract.case import Setup
from suite.contract.shard_case import Plant
from suite.contract.sharding import RankAnswer, SeenCollective
from suite.contract.subject import Capabilities, Disturbance, Session

SHARES_OUT = Capabilities(ranks=True)
Share = list[int]


class Shares:
    """A session over ranks."""

    def __init__(self, family: Family, ranks: int) -> None:
        self.family = family
        self.ranks = ranks
        self.tower = build_tower(family.name)

    def share_out(self, sizes: Sequence[int]) -> list[Share]:
        """Items by rank: the largest that is left goes to the rank that has least."""
        shares: list[Share] = [[] for _ in range(self.ranks)]
        for index in sorted(range(len(sizes)), key=lambda index: sizes[index], reverse=True):
            min(shares, key=lambda share: sum(sizes[other] for other in share)).append(index)
        return shares

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> list[RankAnswer]:
        """One answer per rank."""
        shares = self.share_out([self.family.sizes.rows(item.grid) for item in items])
        if plant is not None and shares[plant.rank]:
            return [self.refusal(rank, share, plant) for rank, share in enumerate(shares)]
        whole = [self.encoded(item, place) for place, item in enumerate(items)]
        return [
            RankAnswer(outputs=self.given(rank, share, whole), encoded=tuple(share), collectives=self.met(share, items))
            for rank, share in enumerate(shares)
        ]

    def encoded(self, item: Item, place: int) -> Tensor:
        """One item alone in eager."""
        return self.tower.encode(item.pixels, item.grid)

    def given(self, rank: int, share: Share, whole: Sequence[Tensor]) -> Sequence[Tensor]:
        """What a rank hands to its caller."""
        return [output.clone() for output in whole]

    def met(self, share: Share, items: Sequence[Item]) -> tuple[SeenCollective, ...]:
        """The collectives that a rank enters: one of the size of the whole batch."""
        rows = sum(self.family.sizes.tokens(item.grid) for item in items)
        return (SeenCollective("all_reduce", (rows, self.family.width), "float32", 4 * rows * self.family.width),)

    def refusal(self, rank: int, share: Share, plant: Plant) -> RankAnswer:
        """What a rank answers if one of them failed."""
        error: Exception = RuntimeError(f"rank {plant.rank} has no rows of the common form")
        if rank == plant.rank and plant.what == "raises":
            error = Disturbance("planted")
        return RankAnswer(error=error, encoded=tuple(share), collectives=self.met(share, ()))

    def close(self) -> None:
        """Nothing to give back."""


class Stranger:
    """A subject that only shares out."""

    name = "stranger"
    version = "1"

    def __init__(self, shares: type[Shares] = Shares) -> None:
        self.capabilities = SHARES_OUT
        self._shares = shares

    def start_ranks(self, family: Family, setup: Setup, ranks: int) -> Shares:
        """Graphs are nothing to it."""
        return self._shares(family, ranks)

    def start(self, family: Family, setup: Setup) -> Session:
        """Not among its capabilities."""
        raise NotImplementedError

    def missing_method(self, family: Family, method: str) -> None:
        """Not among its capabilities."""
        raise NotImplementedError

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """Not among its capabilities."""
        raise NotImplementedError

    def methods(self) -> tuple[str, ...]:
        """Not among its capabilities."""
        raise NotImplementedError


class _ShiftsRows(Shares):
    def given(self, rank: int, share: Share, whole: Sequence[Tensor]) -> Sequence[Tensor]:
        own = [output.roll(1, 0) if index in share else output for index, output in enumerate(whole)]
        return super().given(rank, share, own)


class _IdleGetsNothing(Shares):
    def given(self, rank: int, share: Share, whole: Sequence[Tensor]) -> Sequence[Tensor]:
        return super().given(rank, share, whole) if share else []


class _FirstTwice(Shares):
    def share_out(self, sizes: Sequence[int]) -> list[Share]:
        first, *others = super().share_out(sizes)
        return [[*first, *others[0]], *others] if others else [first * 2]


class _AllOnOne(Shares):
    def share_out(self, sizes: Sequence[int]) -> list[Share]:
        return [list(range(len(sizes))), *([] for _ in range(1, self.ranks))]


class _Averages(Shares):
    def encoded(self, item: Item, place: int) -> Tensor:
        return super().encoded(item, place) / self.ranks


class _CountsPlaces(Shares):
    def encoded(self, item: Item, place: int) -> Tensor:
        return super().encoded(item, place) + place


class _OtherBits(Shares):
    def given(self, rank: int, share: Share, whole: Sequence[Tensor]) -> Sequence[Tensor]:
        return [torch.nextafter(output, output + rank) for output in whole]


class _IdleStaysAway(Shares):
    def met(self, share: Share, items: Sequence[Item]) -> tuple[SeenCollective, ...]:
        return super().met(share, items) if share else ()


class _OneForAll(Shares):
    def given(self, rank: int, share: Share, whole: Sequence[Tensor]) -> Sequence[Tensor]:
        return whole


class _TakesBack(Shares):
    def __init__(self, family: Family, ranks: int) -> None:
        super().__init__(family, ranks)
        self.lent: list[Tensor] = []

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> list[RankAnswer]:
        for output in self.lent:
            output.zero_()
        answers = super().encode(items, plant)
        self.lent = [output for answer in answers for output in answer.outputs or ()]
        return answers


class _Silent(Shares):
    def refusal(self, rank: int, share: Share, plant: Plant) -> RankAnswer:
        told = super().refusal(rank, share, plant)
        return told if rank == plant.rank else RankAnswer(outputs=[], collectives=told.collectives)


class _RefusesLate(Shares):
    def refusal(self, rank: int, share: Share, plant: Plant) -> RankAnswer:
        told = super().refusal(rank, share, plant)
        mine = SeenCollective("all_gather", (1, self.family.width - (rank == plant.rank)), "float32", 0)
        return RankAnswer(error=told.error, encoded=told.encoded, collectives=(*told.collectives, mine))


BROKEN_SHARES: dict[str, type[Shares]] = {
    "sharding/equals-eager-on-every-rank": _ShiftsRows,
    "sharding/idle-ranks-answer": _IdleGetsNothing,
    "sharding/every-item-on-one-rank": _FirstTwice,
    "sharding/load-within-the-greedy-bound": _AllOnOne,
    "sharding/rank-count-does-not-matter": _Averages,
    "sharding/order-does-not-matter": _CountsPlaces,
    "sharding/ranks-hold-equal-bits": _OtherBits,
    "sharding/same-collectives-on-every-rank": _IdleStaysAway,
    "sharding/results-can-be-written": _OneForAll,
    "sharding/results-outlive-later-batches": _TakesBack,
    "sharding/failure-is-told-on-every-rank": _Silent,
    "sharding/unequal-outputs-are-refused": _RefusesLate,
}
"""By law: a session that does the one thing wrongly that the law is about."""
