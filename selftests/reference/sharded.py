"""Sharded encoders over ranks in threads, with a local path that is cheap, exact and different for every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from models.api import Grid, Item
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.protocol import EncoderItemSpec
from reference.encoder_graph.shard_plan import LoadBalancer
from reference.encoder_graph.sharding import EncodeLocal, ShardedEncoder
from selftests.reference.plain import FAMILY
from suite.emulator.ranks import RankRun, ThreadedCollectives, run_on_ranks

WIDTH = FAMILY.width
HOST = torch.device("cpu")


def batch(*sides: tuple[int, int]) -> list[Item]:
    """Items of the toy of these heights and widths, each with pixels of its own, equal sizes too."""
    return [Item(Grid(1, *side), _pixels(Grid(1, *side), seed)) for seed, side in enumerate(sides)]


def _pixels(grid: Grid, seed: int) -> Tensor:
    return torch.randn(grid.patches, *FAMILY.row_shape, generator=torch.Generator().manual_seed(1000 * seed + 7))


def measured(items: Sequence[Item]) -> list[EncoderItemSpec]:
    """Sizes as the family counts them."""
    return [EncoderItemSpec(FAMILY.sizes.rows(item.grid), FAMILY.sizes.tokens(item.grid)) for item in items]


def folded(items: Sequence[Item]) -> list[Tensor]:
    """`[tokens, WIDTH]` per item: the numbers of a token's patches, cut to the width."""
    return [item.pixels.reshape(FAMILY.sizes.tokens(item.grid), -1)[:, :WIDTH] for item in items]


def sharded(
    collectives: Collectives,
    encode_local: EncodeLocal = folded,
    *,
    kind: type[ShardedEncoder] = ShardedEncoder,
    dtype: torch.dtype = torch.float32,
    width: int = WIDTH,
    balancer: LoadBalancer | None = None,
) -> ShardedEncoder:
    """A sharded encoder of that local path."""
    return kind(
        encode_local,
        measure=measured,
        collectives=collectives,
        width=width,
        dtype=dtype,
        device=HOST,
        balancer=balancer,
    )


def encoded(
    items: Sequence[Item], ranks: int, make: Callable[[Collectives], ShardedEncoder] = sharded
) -> RankRun[list[Tensor]]:
    """The batch on so many ranks, each with an encoder of its own."""

    def work(collectives: ThreadedCollectives) -> list[Tensor]:
        return make(collectives).encode(items)

    return run_on_ranks(ranks, work)


def same(outputs: Sequence[Tensor], wanted: Sequence[Tensor]) -> bool:
    """Whether there are as many, each equal bit for bit."""
    return len(outputs) == len(wanted) and all(
        one.dtype == other.dtype and torch.equal(one, other) for one, other in zip(outputs, wanted, strict=True)
    )
