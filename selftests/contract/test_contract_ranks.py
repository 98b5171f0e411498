"""The guard before ranks: a rank that raises, waits, answers wrongly or never comes is told, and nothing hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest
import torch

from models.api import Grid, Item
from models.families import family
from suite.contract.calls import Guard, SubjectFailed
from suite.contract.guarded_ranks import GuardedRanks
from suite.contract.shard_case import Plant
from suite.contract.sharding import RankAnswer

TOY = family("toy")
ITEMS = [Item(Grid(1, 2, 2), torch.zeros(4, *TOY.row_shape))]
RIGHT = RankAnswer(outputs=[torch.zeros(1, TOY.width)], encoded=(0,))


class _Ranks:
    """Answers as it is told."""

    def __init__(self, answer: Callable[[], Sequence[RankAnswer]]) -> None:
        self._answer = answer
        self.is_closed = False

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> Sequence[RankAnswer]:
        """Whatever."""
        return self._answer()

    def close(self) -> None:
        """Remembers it."""
        self.is_closed = True


def _guarded(session: _Ranks, guard: Guard | None = None) -> GuardedRanks:
    return GuardedRanks(session, family=TOY, guard=guard or Guard(), device="cpu", ranks=2, limit_seconds=0.2)


def test_right_answers_pass() -> None:
    """As they are, and the session is closed."""
    session = _Ranks(lambda: [RIGHT, RIGHT])
    ranks = _guarded(session)
    assert ranks.encode(ITEMS) == [RIGHT, RIGHT]
    ranks.close()
    assert session.is_closed


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (RankAnswer(error=ValueError("odd")), "rank 1 raised: ValueError: odd"),
        (RankAnswer(error=RuntimeError("waits"), stuck=True), "rank 1 is stuck: RuntimeError: waits"),
        (RankAnswer(outputs=[]), "on rank 1 of 2 encode returned 0 results for 1 items"),
        (RankAnswer(), "on rank 1 of 2 encode returned NoneType, not a sequence of tensors"),
        (
            RankAnswer(outputs=[torch.zeros(2, TOY.width)]),
            f"on rank 1 of 2 item 0 (2x2) came back with shape (2, {TOY.width}), not (1, {TOY.width})",
        ),
    ],
)
def test_a_wrong_rank_is_named(second: RankAnswer, said: str) -> None:
    """With what is wrong of it."""
    with pytest.raises(SubjectFailed) as failure:
        _guarded(_Ranks(lambda: [RIGHT, second])).encode(ITEMS)
    assert str(failure.value) == said


def test_the_cause_comes_before_those_who_wait() -> None:
    """Of two ranks, the one that raised on its own is told."""
    waits = RankAnswer(error=RuntimeError("waits for rank 1"), stuck=True)
    with pytest.raises(SubjectFailed, match="rank 1 raised: ValueError: odd"):
        _guarded(_Ranks(lambda: [waits, RankAnswer(error=ValueError("odd"))])).encode(ITEMS)


def test_an_answer_too_few_is_told() -> None:
    """Before any of them is looked at."""
    with pytest.raises(SubjectFailed, match="encode returned 1 answers for 2 ranks"):
        _guarded(_Ranks(lambda: [RIGHT])).encode(ITEMS)


def test_what_an_adapter_raises_is_the_subjects() -> None:
    """As everywhere behind the guard."""

    def answer() -> Sequence[RankAnswer]:
        raise KeyError("lost")

    with pytest.raises(SubjectFailed, match="encode raised KeyError: 'lost'"):
        _guarded(_Ranks(answer)).encode(ITEMS)


def test_ranks_that_never_come_are_a_failure_and_no_hang() -> None:
    """Within the limit; a session that did not come back is not asked to close."""
    never = threading.Event()
    session = _Ranks(lambda: [RIGHT, RIGHT] if never.wait(30) else [])
    guard = Guard()
    ranks = _guarded(session, guard)
    begun = time.monotonic()
    with pytest.raises(
        SubjectFailed, match=r"^encode raised OutOfTime: a call to 2 ranks did not come back within 0.2 s$"
    ):
        ranks.encode(ITEMS)
    assert time.monotonic() - begun < 10
    assert guard.inside is None
    ranks.close()
    assert not session.is_closed
    never.set()
