"""Sharded is unsharded, bit for bit, on one to eight ranks; what the ranks exchange; what is refused (SPEC G8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.api import Item
from reference.encoder_graph.collectives import Collectives, SingleRank, TorchCollectives
from reference.encoder_graph.shard_header import DTYPES
from reference.encoder_graph.sharding import ShardedEncoder
from selftests.reference.sharded import WIDTH, batch, encoded, folded, same, sharded
from suite.emulator.ranks import Call, run_on_ranks

SIDES = st.tuples(st.sampled_from((2, 4, 6)), st.sampled_from((2, 4, 8)))
MIX = batch((2, 2), (4, 8), (2, 2), (6, 2), (2, 2))
"""1, 8, 1, 3 and 1 tokens."""


@given(st.lists(SIDES, max_size=7), st.integers(1, 8))
def test_sharded_is_unsharded(sides: list[tuple[int, int]], ranks: int) -> None:
    """Every rank gets every item, bit for bit, in the caller's order; two collectives, the same on all ranks."""
    items = batch(*sides)
    done = encoded(items, ranks)
    assert all(same(outputs, folded(items)) for outputs in done.all_values())
    assert len(set(done.calls)) == 1
    assert [call.dtype for call in done.calls[0]] == [torch.int64, torch.float32]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_travels(dtype: torch.dtype) -> None:
    """Idle ranks make their padding of it."""

    def local(items: Sequence[Item]) -> list[Tensor]:
        return [output.to(dtype) for output in folded(items)]

    done = encoded(MIX, 8, lambda ranks: sharded(ranks, local, dtype=dtype))
    assert all(same(outputs, local(MIX)) for outputs in done.all_values())


def test_what_travels() -> None:
    """Eight numbers, then the rows of the rank that has most; one row for an empty batch."""
    header = Call((8,), torch.int64)
    for items, rows in ((MIX, 8), (MIX[:1], 1), ([], 1)):
        done = encoded(items, 3)
        assert done.calls == ((header, Call((rows, WIDTH), torch.float32)),) * 3


def test_each_item_is_encoded_once() -> None:
    """On the rank of the plan; an idle rank does not call its encoder."""
    seen: list[tuple[int, list[int]]] = []

    def made(ranks: Collectives) -> ShardedEncoder:
        def local(items: Sequence[Item]) -> list[Tensor]:
            seen.append((ranks.rank, [len(item.pixels) for item in items]))
            return folded(items)

        return sharded(ranks, local)

    encoded(batch((2, 2), (4, 4), (2, 4)), 5, made).all_values()
    assert sorted(seen) == [(0, [16]), (1, [8]), (2, [4])]


def test_outputs_own_their_memory() -> None:
    """No output is a view of what was gathered: each has storage of its own size; writing to one changes no other."""
    for outputs in encoded(MIX, 2).all_values():
        assert [output.untyped_storage().nbytes() for output in outputs] == [output.nbytes for output in outputs]
        outputs[0].fill_(9.0)
        assert same(outputs[1:], folded(MIX)[1:])


def test_outputs_carry_no_gradient() -> None:
    """Also where the local encoder records one, and the group hands on what it is given."""

    def local(items: Sequence[Item]) -> list[Tensor]:
        return [output.requires_grad_() for output in folded(items)]

    for outputs in encoded(MIX, 2, lambda ranks: sharded(ranks, local)).all_values():
        assert not any(output.requires_grad for output in outputs)
    assert not any(output.requires_grad for output in sharded(SingleRank(), local).encode(MIX))


def test_many_batches_one_after_the_other() -> None:
    """Nothing is left of a batch in the next one; an empty batch in between takes part."""

    def work(ranks: Collectives) -> list[list[Tensor]]:
        encoder = sharded(ranks)
        return [encoder.encode(items) for items in (MIX, [], MIX[::-1], MIX[:1])]

    for first, none, back, one in run_on_ranks(4, work).all_values():
        assert none == []
        assert same(first, folded(MIX))
        assert same(back, folded(MIX[::-1]))
        assert same(one, folded(MIX[:1]))


def test_a_world_of_one() -> None:
    """Without a group."""
    assert same(sharded(SingleRank()).encode(MIX), folded(MIX))
    assert sharded(SingleRank()).encode([]) == []


def test_torch_needs_a_process_group() -> None:
    """The sentence says what to call."""
    with pytest.raises(RuntimeError, match=r"call torch\.distributed\.init_process_group on every rank first, or use"):
        TorchCollectives()


class _Unordered(ShardedEncoder):
    """Gives outputs in the order of ranks."""

    def _reorder(self, outputs: Mapping[int, Tensor], *, count: int) -> list[Tensor]:
        return list(outputs.values())


class _OffByARow(ShardedEncoder):
    """Starts at the second row."""

    def _unpad(self, buffer: Tensor, tokens: Sequence[int]) -> list[Tensor]:
        return super()._unpad(buffer.roll(-1, 0), tokens)


class _PadsInFront(ShardedEncoder):
    """Puts the padding before the rows."""

    def _pad(self, outputs: Sequence[Tensor], rows: int) -> Tensor:
        padded = super()._pad(outputs, rows)
        return padded.roll(rows - sum(map(len, outputs)), 0)


@pytest.mark.parametrize("kind", [_Unordered, _OffByARow, _PadsInFront])
def test_a_wrong_part_is_seen(kind: type[ShardedEncoder]) -> None:
    """What the first test here compares does change when one part is wrong."""
    done = encoded(MIX, 2, lambda ranks: sharded(ranks, kind=kind))
    assert not any(same(outputs, folded(MIX)) for outputs in done.all_values())
