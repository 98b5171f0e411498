"""A case's history through a session over ranks in processes; no process of it is left behind for the next case."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from suite.contract.guard import GuardedSubject
from suite.contract.guarded_rank_processes import GuardedRankProcesses
from suite.contract.shard_case import Plant, ShardCase
from suite.contract.sharding import RankAnswer
from suite.contract.verdict import Verdict, unknown, violated
from suite.oracles.descendants import Offspring
from suite.properties.over_ranks import Encoded, OverRanks


class OverProcesses(OverRanks):
    """One session under one case."""

    def __init__(self, case: ShardCase, session: GuardedRankProcesses) -> None:
        super().__init__(case, session)
        self.processes = session

    def held(self, number: int) -> Encoded:
        """What ranks hold now of one batch of the history; it has been run once, in order, as all before it."""
        batch = self.case.history[number]
        return Encoded(number, batch, self.processes.held(number, self.items(batch)))

    def mark(self, number: int, *, rank: int) -> Encoded:
        """The same after one rank wrote into its outputs of the batch."""
        batch = self.case.history[number]
        return Encoded(number, batch, self.processes.mark(number, self.items(batch), rank=rank))

    def through(self, plant: Plant) -> Verdict | None:
        """Runs the history up to the batch of the plant, in which all other ranks must raise."""
        for number in range(plant.batch):
            if verdict := self.wrong(self.encode(number)):
                return verdict
        return self._ends(plant)

    def _ends(self, plant: Plant) -> Verdict | None:
        """Encodes the batch of the plant; if the rank does not come to the place of its end, all must be right."""
        items = self.items(self.case.history[plant.batch])
        answers = self.answers(plant.batch, plant)
        if answers[plant.rank].error is not None:
            return self.told(_unheard(answers, plant))
        if plant.at == "before":
            return unknown(f"adapter broken: {plant}, and the rank answered")
        done = Encoded(plant.batch, self.case.history[plant.batch], self.session.checked(answers, items))
        return self.wrong(done)


def _unheard(answers: list[RankAnswer], plant: Plant) -> Verdict | None:
    others = {rank: answer for rank, answer in enumerate(answers) if rank != plant.rank}
    if stuck := [rank for rank, answer in others.items() if answer.stuck]:
        return violated(
            expected=f"{plant}: every other rank raises within the limit",
            actual=f"ranks {stuck} do not come back: {answers[stuck[0]].error}",
            because="nothing limits how long a rank waits for the others in a collective",
        )
    if silent := [rank for rank, answer in others.items() if answer.error is None]:
        return violated(
            expected=f"{plant}: every other rank raises, since no rank has all outputs",
            actual=f"ranks {silent} answered as if nothing had happened",
            because="an error of a collective is taken for an answer, and rows that never came are made up",
        )
    return None


@contextlib.contextmanager
def over_processes(
    case: ShardCase, subject: GuardedSubject, *, offspring: Offspring | None = None
) -> Iterator[OverProcesses]:
    """A session of the case's setup over its ranks, a process for each.

    What its close leaves is ended, unless the caller watches over the offspring.
    """
    watched = offspring or Offspring()
    try:
        with subject.rank_processes(case.family, case.setup, case.ranks) as session:
            watched.note()
            yield OverProcesses(case, session)
    finally:
        if offspring is None:
            watched.end()
