"""Sharding over real processes: what ranks in threads hold must hold over gloo, and no process waits or is left."""

from __future__ import annotations

from dataclasses import replace

import torch

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.shard_case import STAGES, ShardCase
from suite.contract.verdict import Verdict, holds, unknown, violated
from suite.oracles.descendants import Offspring
from suite.properties.failed_ranks import through_equal_collectives, through_the_plant
from suite.properties.over_processes import over_processes
from suite.properties.over_ranks import Encoded

NEEDS = ("rank_processes",)
COST = 21.0
"""Of a session of processes: profile `smoke` leaves them out, and `seeds` has them by turns."""
LONG_COST = 26.0
"""Of cases in which some rank may have to wait until the group's limit is over."""
LONGEST_COST = 30.0
"""Of cases in which all ranks have to."""
END_SECONDS = 3.0
"""For processes to be gone after a session was closed."""


@law(
    "sharding_processes/equals-eager-on-every-rank",
    source=("SPEC G8",),
    inputs="process_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=COST,
    ignores="which rank encoded what, and differences within the tolerance of the dtype",
)
def equals_eager_on_every_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """Every process gets every item of every batch, in order, equal to the item's solo run in eager."""
    with over_processes(case, subject) as run:
        return run.first_wrong() or holds(noise=run.noise(), margin=run.margin)


@law(
    "sharding_processes/ranks-hold-equal-bits",
    source=("SPEC G8",),
    inputs="process_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=COST,
    ignores="whether the values are right",
)
def ranks_hold_equal_bits(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """All processes hold the same outputs bit for bit, whichever of them encoded an item."""
    with over_processes(case, subject) as run:
        for done in run.batches():
            if verdict := run.told(done.unequal_bits()):
                return verdict
    return holds()


@law(
    "sharding_processes/same-collectives-on-every-rank",
    source=("SPEC G8", "BUG-E22", "BUG-G24"),
    inputs="process_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=COST,
    ignores="how many collectives there are, and what they carry",
)
def same_collectives_on_every_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """All processes enter the same collectives in the same order, with tensors of one form, and none is waited for."""
    return through_equal_collectives(case, subject, over=over_processes)


@law(
    "sharding_processes/results-outlive-later-batches",
    source=("SPEC G8", "BUG-G15"),
    inputs="process_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=COST,
    ignores="whether the results were right when they came",
)
def results_outlive_later_batches(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """What a process gave out stays in its memory bit for bit what it was, whatever is encoded afterwards."""
    with over_processes(case, subject) as run:
        first = list(run.batches())
        for batch in case.history:
            run.session.encode(run.items(tuple(replace(spec, seed=spec.seed + 10, fill=None) for spec in batch)))
        for done in first:
            if verdict := run.told(_changed(done, run.held(done.number))):
                return verdict
    return holds()


def _changed(done: Encoded, now: Encoded) -> Verdict | None:
    for rank, (before, after) in enumerate(zip(done.outputs, now.outputs, strict=True)):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            if not torch.equal(one, other):
                return violated(
                    expected=f"item {index} of batch {done.number} on rank {rank} unchanged after all later batches",
                    actual=f"{int((one != other).sum())} / {one.numel()} elements changed",
                    because="the result is a view of a buffer into which later batches are gathered",
                )
    return None


@law(
    "sharding_processes/results-can-be-written",
    source=("SPEC G8", "BUG-G16"),
    inputs="process_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=COST,
    ignores="gradients",
)
def results_can_be_written(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """One process may overwrite its results; no other process and no later batch changes by it."""
    with over_processes(case, subject) as run:
        for done in list(run.batches()):
            writer = done.number % case.ranks
            if verdict := run.told(_written(done, run.mark(done.number, rank=writer), writer=writer)):
                return verdict
        return run.first_wrong() or holds(margin=run.margin)


def _written(done: Encoded, now: Encoded, *, writer: int) -> Verdict | None:
    for rank, outputs in enumerate(now.outputs):
        for index, output in enumerate(outputs):
            want = torch.full_like(output, index) if rank == writer else done.outputs[rank][index]
            if not torch.equal(output, want):
                own = "as it was written" if rank == writer else "untouched by what another process writes"
                return violated(
                    expected=f"after rank {writer} wrote, item {index} of batch {done.number} on rank {rank} {own}",
                    actual=f"{int((output != want).sum())} / {want.numel()} elements differ",
                    because="results are one piece of memory for several items, or one that processes share",
                )
    return None


@law(
    "sharding_processes/failure-is-told-on-every-rank",
    source=("SPEC G8", "BUG-G24"),
    inputs="process_failures",
    needs=NEEDS,
    kind=ShardCase,
    cost=COST,
    ignores="the words, but for the rank that they must name",
)
def failure_is_told_on_every_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """If one process cannot encode its items, all raise and name its rank, none waits, and the next batch is right."""
    return through_the_plant(case, subject, over=over_processes)


@law(
    "sharding_processes/death-is-noticed-on-every-rank",
    source=("SPEC G8",),
    inputs="process_deaths",
    needs=NEEDS,
    kind=ShardCase,
    cost=LONG_COST,
    ignores="the words, and what becomes of later batches",
)
def death_is_noticed_on_every_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """If a process is killed, before a batch, in its encoder or between collectives, all others raise in time."""
    assert case.plant is not None
    for stage in STAGES:
        with over_processes(case, subject) as run:
            if verdict := run.through(replace(case.plant, at=stage)):
                return verdict
    return holds(margin=run.margin)


@law(
    "sharding_processes/silence-is-noticed-on-every-rank",
    source=("SPEC G8",),
    inputs="process_silences",
    needs=NEEDS,
    kind=ShardCase,
    cost=LONGEST_COST,
    ignores="the words, and what becomes of later batches",
)
def silence_is_noticed_on_every_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """If a process lives on and never comes, all others raise in time."""
    assert case.plant is not None
    with over_processes(case, subject) as run:
        return run.through(case.plant) or holds(margin=run.margin)


@law(
    "sharding_processes/no-process-is-left",
    source=("SPEC G8",),
    inputs="process_ends",
    needs=NEEDS,
    kind=ShardCase,
    cost=COST,
    ignores="threads, and files",
)
def no_process_is_left(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """A session that is closed leaves no process, whether all went well, a rank failed, or a process was killed."""
    offspring = Offspring()
    try:
        with over_processes(case, subject, offspring=offspring) as run:
            if len(there := offspring.note()) < case.ranks:
                return unknown(f"{len(there)} processes were seen for {case.ranks} ranks: none of them could be left")
            for number in range(len(case.history)):
                plant = case.plant if case.plant is not None and case.plant.batch == number else None
                run.answers(number, plant)
                there |= offspring.note()
        if left := offspring.left(seconds=END_SECONDS):
            return violated(
                expected=f"{case}: none of the processes that there were is left after the session was closed",
                actual=f"of {len(there)} processes {len(left)} are there {END_SECONDS:g} s later",
                because="a rank is trusted to end by itself, or nobody asks for one that has ended",
            )
    finally:
        offspring.end()
    return holds()
