"""What must become of a batch in which one rank fails, or enters other collectives than the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from suite.contract.guard import GuardedSubject
from suite.contract.shard_case import Plant, ShardCase
from suite.contract.sharding import RankAnswer
from suite.contract.subject import Disturbance
from suite.contract.verdict import Verdict, holds, violated
from suite.properties.over_ranks import Encoded, OverRanks, over_ranks

Over = Callable[[ShardCase, GuardedSubject], AbstractContextManager[OverRanks]]
"""Starts the session of a case."""


def through_the_plant(case: ShardCase, subject: GuardedSubject, *, over: Over = over_ranks) -> Verdict:
    """Runs the history: the batch of the plant must fail as it should, and all others be right."""
    with over(case, subject) as run:
        for number in range(len(case.history)):
            if verdict := _batch(run, number):
                return verdict
        return holds(margin=run.margin)


def through_equal_collectives(case: ShardCase, subject: GuardedSubject, *, over: Over = over_ranks) -> Verdict:
    """Runs the history: in each batch all ranks must enter the collectives of rank 0, and answer."""
    with over(case, subject) as run:
        for number, batch in enumerate(case.history):
            answers = run.answers(number)
            # Before a rank that waits is told: who did not come says more.
            if verdict := run.told(unequal_collectives(answers, number=number)):
                return verdict
            run.session.checked(answers, run.items(batch))
    return holds()


def _batch(run: OverRanks, number: int) -> Verdict | None:
    plant = run.case.plant
    if plant is None or plant.batch != number:
        return run.wrong(run.encode(number))
    batch = run.case.history[number]
    answers = run.answers(number, plant)
    if not answers[plant.rank].encoded:
        # The rank had no item, so nothing went wrong.
        return run.wrong(Encoded(number, batch, run.session.checked(answers, run.items(batch))))
    return run.told(badly_told(answers, plant))


def badly_told(answers: Sequence[RankAnswer], plant: Plant) -> Verdict | None:
    """A violation if a rank waits, answers, hides who failed, or enters other collectives than the rest."""
    return next(_mistold(answers, plant), None) or unequal_collectives(answers, number=plant.batch)


def _mistold(answers: Sequence[RankAnswer], plant: Plant) -> Iterator[Verdict]:
    stuck = [rank for rank, answer in enumerate(answers) if answer.stuck]
    if stuck:
        yield violated(
            expected=f"{plant}: no rank waits for it",
            actual=f"ranks {stuck} wait: {answers[stuck[0]].error}",
            because="a rank that fails leaves before a collective that the others enter",
        )
    silent = [rank for rank, answer in enumerate(answers) if answer.error is None]
    if silent:
        yield violated(
            expected=f"{plant}: every rank raises, since no rank has all outputs",
            actual=f"ranks {silent} answered as if nothing had happened",
            because="the failure is swallowed where it happens, or only some of the ranks are told",
        )
    for rank, answer in enumerate(answers):
        if not _names(answer.error, plant):
            yield violated(
                expected=f"{plant}: the exception on rank {rank} is the failure itself, or names rank {plant.rank}",
                actual=f"{type(answer.error).__name__}: {answer.error}",
                because="what a rank raises does not say where to look, or blames another rank",
            )


def _names(error: BaseException | None, plant: Plant) -> bool:
    """Whether it is the planted failure, on the rank that has it, or its text names that rank."""
    if isinstance(error, Disturbance):
        return True
    named = re.findall(r"\branks? (\d+(?:, \d+)*)", str(error))
    return any(str(plant.rank) in several.split(", ") for several in named)


def unequal_collectives(answers: Sequence[RankAnswer], *, number: int) -> Verdict | None:
    """A violation if some rank entered other collectives than rank 0, or gave a tensor of another shape or dtype."""
    first = answers[0].collectives
    for rank, answer in enumerate(answers):
        if answer.collectives != first:
            return violated(
                expected=f"the collectives of rank 0 in batch {number} on rank {rank}: {_listed(first)}",
                actual=_listed(answer.collectives),
                because="a rank decides by its own items whether to enter a collective, or with how many rows: on a "
                "real group the others hang or read garbage",
            )
    return None


def _listed(collectives: Sequence[object]) -> str:
    return ", ".join(map(str, collectives)) or "none"
