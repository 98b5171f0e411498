"""The guard before ranks in processes: what they hold is looked at, and a session that hung is closed all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
import torch

from models.api import Grid, Item
from models.families import family
from suite.contract.calls import Guard, SubjectFailed
from suite.contract.guarded_rank_processes import GuardedRankProcesses
from suite.contract.shard_case import Plant
from suite.contract.sharding import RankAnswer

TOY = family("toy")
ITEMS = [Item(Grid(1, 2, 2), torch.zeros(4, *TOY.row_shape))]
RIGHT = RankAnswer(outputs=[torch.zeros(1, TOY.width)])


class _Processes:
    """Answers as it is told."""

    def __init__(self, answer: Callable[[], Sequence[RankAnswer]]) -> None:
        self._answer = answer
        self.is_closed = False

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> Sequence[RankAnswer]:
        """Whatever."""
        return self._answer()

    def held(self, batch: int) -> Sequence[RankAnswer]:
        """Whatever."""
        return self._answer()

    def mark(self, batch: int, *, rank: int) -> Sequence[RankAnswer]:
        """Whatever."""
        return self._answer()

    def close(self) -> None:
        """Remembers it."""
        self.is_closed = True


def _guarded(session: _Processes) -> GuardedRankProcesses:
    return GuardedRankProcesses(session, family=TOY, guard=Guard(), device="cpu", ranks=2, limit_seconds=0.2)


def test_right_answers_pass() -> None:
    """As they are, whatever was asked."""
    ranks = _guarded(_Processes(lambda: [RIGHT, RIGHT]))
    assert ranks.encode(ITEMS) == [RIGHT, RIGHT]
    assert ranks.held(0, ITEMS) == [RIGHT, RIGHT]
    assert ranks.mark(0, ITEMS, rank=1) == [RIGHT, RIGHT]


def test_what_is_held_is_looked_at() -> None:
    """A rank that lost its results is named, and one that does not answer is missed."""
    with pytest.raises(SubjectFailed, match="on rank 1 of 2 encode returned NoneType, not a sequence of tensors"):
        _guarded(_Processes(lambda: [RIGHT, RankAnswer()])).held(0, ITEMS)
    with pytest.raises(SubjectFailed, match="mark returned 1 answers for 2 ranks"):
        _guarded(_Processes(lambda: [RIGHT])).mark(0, ITEMS, rank=0)


def test_a_session_that_hung_is_closed() -> None:
    """Unlike one in threads: only so do its processes end."""
    never = threading.Event()
    session = _Processes(lambda: [RIGHT, RIGHT] if never.wait(30) else [])
    ranks = _guarded(session)
    with pytest.raises(SubjectFailed, match=r"a call to 2 ranks did not come back within 0.2 s"):
        ranks.encode(ITEMS)
    ranks.close()
    assert session.is_closed
    never.set()
