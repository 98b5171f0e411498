"""What cannot be gathered is refused on every rank, in the same collective; the next batch goes on (SPEC G8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from models.api import Item
from reference.encoder_graph.collectives import Collectives, SingleRank
from reference.encoder_graph.shard_header import Form, UnequalBatches, UnequalOutputs
from reference.encoder_graph.shard_plan import Assignment, LargestFirst, LoadBalancer, LostItem, ShardingError
from reference.encoder_graph.sharding import REASON_BYTES, EncodeLocal, RankFailed, ShardedEncoder
from selftests.reference.sharded import HOST, WIDTH, batch, encoded, folded, measured, same, sharded
from suite.emulator.ranks import RankRun, ThreadedCollectives, run_on_ranks

MIX = batch((4, 4), (2, 4), (2, 2))
"""One item for each of three ranks: 4, 2 and 1 tokens."""
F32 = f"rows of {WIDTH} x torch.float32"
REMEDY = "Build the same encoder with the same dtype on every rank."


def _refused(done: RankRun[list[Tensor]], kind: type[Exception], *, calls: int) -> list[str]:
    """What each rank said, after so many collectives on each of them."""
    assert [type(error) for error in done.errors] == [kind] * len(done.errors)
    assert [len(entered) for entered in done.calls] == [calls] * len(done.calls)
    return [str(error) for error in done.errors]


def _only_on(rank: int, strange: EncodeLocal) -> Callable[[Collectives], ShardedEncoder]:
    """Sharded encoders that are sound but on one rank."""
    return lambda ranks: sharded(ranks, strange if ranks.rank == rank else folded)


def _halves(items: Sequence[Item]) -> list[Tensor]:
    return [output.half() for output in folded(items)]


def _narrow(items: Sequence[Item]) -> list[Tensor]:
    return [output[:, :3] for output in folded(items)]


def test_another_dtype_is_refused_before_the_rows_travel() -> None:
    """One collective on every rank, and one sentence that names the ranks."""
    said = _refused(encoded(MIX, 3, _only_on(1, _halves)), UnequalOutputs, calls=1)
    other = f"rows of {WIDTH} x torch.float16 where {F32} were stated"
    assert said == [f"ranks 0, 2: {F32}; rank 1: {other}. {REMEDY}"] * 3


def test_another_width_is_refused_before_the_rows_travel() -> None:
    """As another dtype is."""
    said = _refused(encoded(MIX, 3, _only_on(2, _narrow)), UnequalOutputs, calls=1)
    assert said == [f"ranks 0, 1: {F32}; rank 2: rows of 3 x torch.float32 where {F32} were stated. {REMEDY}"] * 3


def test_all_ranks_alike_may_still_be_wrong() -> None:
    """What an encoder states is what an idle rank would pad with, so it is held whether one is idle or not."""
    for ranks in (2, 4):
        said = _refused(encoded(MIX, ranks, lambda each: sharded(each, _halves)), UnequalOutputs, calls=1)
        assert all("torch.float16 where" in sentence for sentence in said)


def test_an_idle_rank_of_another_dtype_is_refused() -> None:
    """It has no output, but it would bring padding of the wrong kind."""
    done = encoded(MIX, 4, lambda ranks: sharded(ranks, dtype=torch.float16 if ranks.rank == 3 else torch.float32))
    said = _refused(done, UnequalOutputs, calls=1)
    assert said == [f"ranks 0, 1, 2: {F32}; rank 3: rows of {WIDTH} x torch.float16. {REMEDY}"] * 4


def _fails(_items: Sequence[Item]) -> list[Tensor]:
    raise MemoryError("no room for 16 patches")


def test_a_failure_on_one_rank_is_told_to_all() -> None:
    """It raises its own exception; the others name it and its reason, and nobody waits."""
    done = encoded(MIX, 3, _only_on(1, _fails))
    assert [type(error) for error in done.errors] == [RankFailed, MemoryError, RankFailed]
    assert [len(calls) for calls in done.calls] == [2, 2, 2]
    reason = "MemoryError: no room for 16 patches"
    first, own, _ = done.errors
    assert str(first) == f"rank 1 could not encode, so no rank has outputs of this batch. rank 1: {reason}"
    assert isinstance(first, RankFailed)
    assert first.reasons == {1: reason}
    assert own is not None
    assert own.__notes__ == ["on rank 1 of 3, sharding a batch"]


def test_several_failures_are_told_together() -> None:
    """Every rank that failed, in order."""
    done = encoded(MIX, 3, lambda ranks: sharded(ranks, _fails if ranks.rank else folded))
    assert isinstance(done.errors[0], RankFailed)
    assert list(done.errors[0].reasons) == [1, 2]
    assert str(done.errors[0]).startswith("ranks 1, 2 could not encode, so no rank has outputs of this batch. rank 1: ")


def test_a_long_reason_is_cut() -> None:
    """Between characters, and it travels in the same collective as a short one."""

    def fails(_items: Sequence[Item]) -> list[Tensor]:
        raise RuntimeError("ä" * REASON_BYTES)

    done = encoded(MIX, 2, _only_on(1, fails))
    assert isinstance(done.errors[0], RankFailed)
    (reason,) = done.errors[0].reasons.values()
    assert reason == "RuntimeError: " + "ä" * ((REASON_BYTES - len("RuntimeError: ")) // 2)
    assert done.calls[0] == done.calls[1]


def test_the_next_batch_goes_on() -> None:
    """After a failure and after a refusal, on every rank."""

    def work(ranks: ThreadedCollectives) -> list[Tensor]:
        outputs: list[Tensor] = []
        for local in (_fails, folded, _halves, folded):
            encoder = _only_on(1, local)(ranks)
            try:
                outputs.extend(encoder.encode(MIX))
            except (MemoryError, ShardingError):
                continue
        return outputs

    for outputs in run_on_ranks(3, work).all_values():
        assert same(outputs, folded(MIX) * 2)


def test_ranks_with_other_items_are_refused() -> None:
    """One that was given an item less, and one that was given other sizes."""
    for others in (MIX[:2], batch((4, 4), (2, 4), (2, 6))):

        def work(ranks: ThreadedCollectives, others: list[Item] = others) -> list[Tensor]:
            return sharded(ranks).encode(others if ranks.rank == 1 else MIX)

        said = _refused(run_on_ranks(3, work), UnequalBatches, calls=1)
        assert said == ["ranks 0, 2 and rank 1 were given batches of other sizes: give every rank the same items."] * 3


class _Reversed(LargestFirst):
    """Numbers the ranks from the other end."""

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        return Assignment(super().assign(sizes, ranks).items[::-1])


def test_ranks_with_other_plans_are_refused() -> None:
    """Each plan is sound, but together they lose items and double others."""
    done = encoded(MIX, 3, lambda ranks: sharded(ranks, balancer=_Reversed() if ranks.rank == 2 else None))
    said = _refused(done, UnequalBatches, calls=1)
    assert said[0].startswith("ranks 0, 1 and rank 2 share the same items out otherwise: ")


class _Fixed:
    """Always the same assignment."""

    def __init__(self, *items: tuple[int, ...]) -> None:
        self.items = items

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        return Assignment(self.items)


@pytest.mark.parametrize(
    ("balancer", "kind", "sentence"),
    [
        (_Fixed((0,), (1,), ()), LostItem, "item 2 is on no rank"),
        (_Fixed((0,), (1, 0), (2,)), LostItem, "item 0 is assigned 2 times, to ranks 0, 1"),
        (_Fixed((0, 1, 2)), ShardingError, "the load balancer shares out over 1 ranks; there are 3."),
    ],
)
def test_a_wrong_balancer_is_refused(balancer: LoadBalancer, kind: type[Exception], sentence: str) -> None:
    """On every rank, with the item named; never a shift."""
    done = encoded(MIX, 3, lambda ranks: sharded(ranks, balancer=balancer))
    assert all(each.startswith(sentence) for each in _refused(done, kind, calls=2))


@pytest.mark.parametrize(
    ("strange", "sentence"),
    [
        (lambda items: folded(items)[1:], "rank 0 encoded its items [0], and got 0 outputs."),
        (lambda items: folded(items) * 2, "rank 0 encoded its items [0], and got 2 outputs."),
        (lambda items: [output[1:] for output in folded(items)], f"item 0 came out as [3, {WIDTH}], but its size"),
        (lambda items: [output[None] for output in folded(items)], f"item 0 came out as [1, 4, {WIDTH}], but its"),
    ],
)
def test_a_local_path_that_loses_items_or_rows(strange: EncodeLocal, sentence: str) -> None:
    """Named on its own rank, told to the others."""
    done = encoded(MIX, 3, _only_on(0, strange))
    assert isinstance(done.errors[0], LostItem)
    assert str(done.errors[0]).startswith(sentence)
    assert [type(error) for error in done.errors[1:]] == [RankFailed, RankFailed]


def test_a_local_path_that_mixes_forms() -> None:
    """Items of one rank cannot be laid one after the other."""

    def strange(items: Sequence[Item]) -> list[Tensor]:
        return [output.half() if len(output) == 4 else output for output in folded(items)]

    done = encoded(MIX, 1, lambda ranks: sharded(ranks, strange))
    (sentence,) = _refused(done, UnequalOutputs, calls=2)
    assert sentence == f"the items of one rank came out as rows of {WIDTH} x torch.float16 and {F32}."


def test_a_local_path_on_another_device() -> None:
    """Rows are not moved in silence."""
    done = encoded(MIX, 2, _only_on(0, lambda items: [output.to("meta") for output in folded(items)]))
    assert isinstance(done.errors[0], UnequalOutputs)
    assert str(done.errors[0]) == "item 0 came out on meta; rows are gathered on cpu."


class _LosesARow(ShardedEncoder):
    """Hands over one output less than its items."""

    def _encode_own(self, items: Sequence[Item], plan: object) -> Sequence[Tensor]:
        return super()._encode_own(items, plan)[: self._collectives.rank]  # type: ignore[arg-type]  # passed on


def test_rows_that_are_lost_before_the_gather() -> None:
    """The headers do not add up: refused on every rank, with items and rows."""
    done = encoded(MIX, 2, lambda ranks: sharded(ranks, kind=_LosesARow))
    wrong = "rank 0 has 0 rows for its items [0], which make 4; rank 1 has 2 rows for its items [1, 2], which make 3"
    sentence = f"{wrong}: gathered like this, the rows of other items would shift."
    assert _refused(done, LostItem, calls=1) == [sentence, sentence]


class _GathersTooFew:
    """A group that loses the last rank's tensor, of rows alone."""

    def __init__(self, ranks: Collectives) -> None:
        self._ranks = ranks
        self.rank, self.world_size = ranks.rank, ranks.world_size

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        gathered = self._ranks.all_gather(tensor)
        return gathered[:-1] if tensor.is_floating_point() else gathered


def test_a_rank_that_is_lost_in_the_gather() -> None:
    """Its items are not guessed."""
    done = encoded(MIX, 3, lambda ranks: sharded(_GathersTooFew(ranks)))
    assert _refused(done, LostItem, calls=2) == ["2 tensors were gathered from 3 ranks."] * 3


class _ForgetsAnItem(ShardedEncoder):
    """Puts nothing back for item 1."""

    def _reorder(self, outputs: object, *, count: int) -> list[Tensor]:
        return super()._reorder({0: torch.zeros(4, WIDTH), 2: torch.zeros(1, WIDTH)}, count=count)


def test_an_item_that_is_lost_after_the_gather() -> None:
    """An error that names it, not one output fewer."""
    done = encoded(MIX, 2, lambda ranks: sharded(ranks, kind=_ForgetsAnItem))
    assert _refused(done, LostItem, calls=2) == ["items [1] of 3 were not gathered."] * 2


@pytest.mark.parametrize(
    ("width", "dtype", "sentence"),
    [
        (0, torch.float32, "width=0: an output row has at least 1 number"),
        (
            4,
            torch.int64,
            "dtype=torch.int64: outputs are of torch.float32, torch.bfloat16, torch.float16, torch.float64",
        ),
    ],
)
def test_a_form_that_cannot_be_gathered(width: int, dtype: torch.dtype, sentence: str) -> None:
    """Refused at construction."""
    with pytest.raises(ValueError, match=sentence):
        Form(width, dtype)
    with pytest.raises(ValueError, match=sentence):
        ShardedEncoder(folded, measure=measured, collectives=SingleRank(), width=width, dtype=dtype, device=HOST)
