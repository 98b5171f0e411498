"""A session over ranks in processes behind the guard: the same limits, and it is closed whatever happened before."""

from __future__ import annotations

from collections.abc import Sequence

from models.api import Family, Item
from suite.contract.calls import Guard
from suite.contract.guarded_ranks import GuardedRanks
from suite.contract.sharding import LIMIT_SECONDS, RankAnswer, RankProcessSession


class GuardedRankProcesses(GuardedRanks):
    """A session over ranks in processes whose every answer has been looked at."""

    def __init__(
        self,
        session: RankProcessSession,
        *,
        family: Family,
        guard: Guard,
        device: str,
        ranks: int,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        super().__init__(session, family=family, guard=guard, device=device, ranks=ranks, limit_seconds=limit_seconds)
        self._processes = session

    def held(self, batch: int, items: Sequence[Item]) -> list[RankAnswer]:
        """As `RankProcessSession.held`, of a batch of these items; every rank has answered, in the right form.

        Raises:
            SubjectFailed: a rank raised, is stuck, or gave outputs of the wrong form; it is named.
        """
        return self.checked(self._asked("held", lambda: self._processes.held(batch)), items)

    def mark(self, batch: int, items: Sequence[Item], *, rank: int) -> list[RankAnswer]:
        """As `RankProcessSession.mark`, of a batch of these items.

        Raises:
            SubjectFailed: a rank raised, is stuck, or gave outputs of the wrong form; it is named.
        """
        return self.checked(self._asked("mark", lambda: self._processes.mark(batch, rank=rank)), items)

    def close(self) -> None:
        """As `RankSession.close`; a session that hung is closed too: only so do its processes end.

        Raises:
            SubjectFailed: it raised, or did not come back within the limit.
        """
        with self._guard.call("close"):
            self._within_limit(self._processes.close)
