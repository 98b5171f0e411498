"""A session over ranks behind the guard, with a limit on time: a rank that never comes is a violation, not a hang."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from torch import Tensor

from models.api import Family, Item
from suite.contract.calls import Guard, SubjectFailed
from suite.contract.limited import OutOfTime, within_limit
from suite.contract.outputs import check_outputs
from suite.contract.shard_case import Plant
from suite.contract.sharding import LIMIT_SECONDS, RankAnswer, RankSession

_Value = TypeVar("_Value")


class GuardedRanks:
    """A session over ranks whose every answer has been looked at."""

    def __init__(
        self,
        session: RankSession,
        *,
        family: Family,
        guard: Guard,
        device: str,
        ranks: int,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._session = session
        self._family = family
        self._guard = guard
        self._device = device
        self._ranks = ranks
        self._limit_seconds = limit_seconds
        self._is_lost = False

    def encode(self, items: Sequence[Item]) -> list[RankAnswer]:
        """As `RankSession.encode`; every rank has answered, in the right form.

        Raises:
            SubjectFailed: a rank raised, is stuck, or gave outputs of the wrong form; it is named.
        """
        return self.checked(self.answers(items), items)

    def checked(self, answers: Sequence[RankAnswer], items: Sequence[Item]) -> list[RankAnswer]:
        """The answers of a batch, once every rank has answered in the right form.

        Raises:
            SubjectFailed: a rank raised, is stuck, or gave outputs of the wrong form; it is named.
        """
        for rank, answer in _telling_first(answers):
            if answer.error is not None:
                raise SubjectFailed(_text(rank, answer)) from answer.error
            self._check(rank, answer.outputs, items)
        return list(answers)

    def answers(self, items: Sequence[Item], plant: Plant | None = None) -> list[RankAnswer]:
        """As `RankSession.encode`; ranks may have failed.

        Raises:
            SubjectFailed: the ranks did not come back within the limit, or there are more or fewer answers than ranks.
        """
        return self._asked("encode", lambda: self._session.encode(items, plant))

    def _asked(self, name: str, call: Callable[[], Sequence[RankAnswer]]) -> list[RankAnswer]:
        with self._guard.call(name):
            answers = list(self._within_limit(call))
        if len(answers) != self._ranks:
            raise SubjectFailed(f"{name} returned {len(answers)} answers for {self._ranks} ranks")
        return answers

    def close(self) -> None:
        """As `RankSession.close`; one that did not come back is left alone."""
        if not self._is_lost:
            with self._guard.call("close"):
                self._session.close()

    @property
    def ranks(self) -> int:
        """How many there are."""
        return self._ranks

    def _check(self, rank: int, outputs: Sequence[Tensor] | None, items: Sequence[Item]) -> None:
        try:
            check_outputs(outputs, items, self._family, device=self._device)
        except SubjectFailed as failure:
            raise SubjectFailed(f"on rank {rank} of {self._ranks} {failure}") from failure.__cause__

    def _within_limit(self, call: Callable[[], _Value]) -> _Value:
        """What the call returns.

        Raises:
            OutOfTime: it did not return within the limit; its thread is left behind.
        """
        try:
            return within_limit(call, seconds=self._limit_seconds, what=f"a call to {self._ranks} ranks")
        except OutOfTime:
            self._is_lost = True
            raise


def _telling_first(answers: Sequence[RankAnswer]) -> list[tuple[int, RankAnswer]]:
    """By rank, but ranks that raised on their own before those that waited for them in vain."""
    return sorted(enumerate(answers), key=lambda each: (each[1].error is None, each[1].stuck, each[0]))


def _text(rank: int, answer: RankAnswer) -> str:
    error = answer.error
    what = "is stuck" if answer.stuck else "raised"
    return f"rank {rank} {what}: {type(error).__name__}: {error}"
