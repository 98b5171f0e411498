"""Ranks in threads: what they gather, what is logged, and that a rank that does not come is named at once."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from torch import Tensor

from suite.emulator.ranks import Call, RankGroup, RankMissing, ThreadedCollectives, UnequalTensors, run_on_ranks


def test_everyone_gets_everything_in_order() -> None:
    """Two rounds on three ranks: copies in the order of ranks, and one log for all."""

    def work(ranks: ThreadedCollectives) -> list[list[Tensor]]:
        return [ranks.all_gather(torch.full((2,), 10 * turn + ranks.rank)) for turn in range(2)]

    done = run_on_ranks(3, work)
    for rounds in done.all_values():
        assert [[int(each[0]) for each in turn] for turn in rounds] == [[0, 1, 2], [10, 11, 12]]
    assert done.calls == ((Call((2,), torch.int64),) * 2,) * 3


def test_what_is_gathered_is_nobody_elses() -> None:
    """Writing to what was given, or to what was got, changes no other rank's tensors."""

    def work(ranks: ThreadedCollectives) -> list[int]:
        given = torch.tensor([ranks.rank])
        gathered = ranks.all_gather(given)
        given.fill_(90)
        gathered[0].fill_(91)
        ranks.all_gather(given)
        return [int(each) for each in gathered[1:]]

    assert run_on_ranks(3, work).all_values() == [[1, 2]] * 3


def test_a_rank_that_returns_early_is_named() -> None:
    """Those who wait are told without waiting for the deadline."""

    def work(ranks: ThreadedCollectives) -> None:
        if ranks.rank != 1:
            ranks.all_gather(torch.zeros(1))

    begun = time.monotonic()
    done = run_on_ranks(3, work)
    assert time.monotonic() - begun < 10
    assert [str(error) for error in done.errors] == [
        "rank 0 waits in collective 0, which ranks [1] do not enter",
        "None",
        "rank 2 waits in collective 0, which ranks [1] do not enter",
    ]
    assert [len(calls) for calls in done.calls] == [1, 0, 1]
    with pytest.raises(BaseExceptionGroup, match="2 of 3 ranks failed"):
        done.all_values()


def test_a_rank_that_never_returns_is_named() -> None:
    """It is left behind at the deadline."""
    never = threading.Event()

    def work(ranks: ThreadedCollectives) -> None:
        if ranks.rank:
            never.wait()
        ranks.all_gather(torch.zeros(1))

    done = run_on_ranks(2, work, deadline_seconds=0.2)
    never.set()
    assert isinstance(done.errors[0], RankMissing | TimeoutError)
    assert str(done.errors[1]) == "rank 1 has not returned"


@pytest.mark.parametrize("given", [torch.zeros(3), torch.zeros(2, 1), torch.zeros(2, dtype=torch.float64)])
def test_unequal_tensors_are_refused_on_every_rank(given: Tensor) -> None:
    """Other lengths, other dims and other dtypes."""

    def work(ranks: ThreadedCollectives) -> None:
        ranks.all_gather(given if ranks.rank else torch.zeros(2))

    done = run_on_ranks(2, work)
    assert all(isinstance(error, UnequalTensors) for error in done.errors)
    assert str(done.errors[0]) == (
        f"collective 0 was given unequal tensors (rank 0: [2] torch.float32, rank 1: {list(given.shape)} {given.dtype})"
    )


def test_a_group_needs_a_rank() -> None:
    """No ranks, no group."""
    with pytest.raises(ValueError, match="size=0: a group has at least 1 rank"):
        RankGroup(0)
