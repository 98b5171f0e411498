"""Sharding: a batch shared out over ranks gives every rank what one encoder gives, and no rank waits for another."""

from __future__ import annotations

from dataclasses import replace

import torch

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.shard_case import MOST_RANKS, ShardCase
from suite.contract.sharding import RankAnswer
from suite.contract.verdict import Verdict, holds
from suite.oracles.makespan import greedy_bound, least_makespan
from suite.oracles.sizes import rows
from suite.properties.failed_ranks import through_equal_collectives, through_the_plant
from suite.properties.over_ranks import Encoded, OverRanks, over_ranks

NEEDS = ("ranks",)


def _all_equal_eager(case: ShardCase, subject: GuardedSubject) -> Verdict:
    with over_ranks(case, subject) as run:
        return run.first_wrong() or holds(noise=run.noise(), margin=run.margin)


@law(
    "sharding/equals-eager-on-every-rank",
    source=("SPEC G8",),
    inputs="shards",
    needs=NEEDS,
    everywhere=True,
    kind=ShardCase,
    cost=2.0,
    ignores="which rank encoded what, and differences within the tolerance of the dtype",
)
def equals_eager_on_every_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """Every rank gets every item of every batch, in order, equal to the item's solo run in eager."""
    return _all_equal_eager(case, subject)


@law(
    "sharding/idle-ranks-answer",
    source=("SPEC G8", "BUG-E22"),
    inputs="idle_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=2.0,
    ignores="what an idle rank does meanwhile",
)
def idle_ranks_answer(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """Ranks without items get all outputs too, an empty batch gives every rank none, and busy batches stay right."""
    return _all_equal_eager(case, subject)


@law(
    "sharding/every-item-on-one-rank",
    source=("SPEC G8",),
    inputs="shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=2.0,
    ignores="which rank it is",
)
def every_item_on_one_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """Each item of a batch is encoded once, on exactly one rank."""
    with over_ranks(case, subject) as run:
        for done in run.batches():
            encoded = sorted(index for answer in done.answers for index in answer.encoded)
            if encoded != list(range(len(done.batch))):
                return run.violated(
                    expected=f"each of the {len(done.batch)} items of batch {done.number} on one of {case.ranks} ranks",
                    actual=f"by rank, these were encoded: {[list(answer.encoded) for answer in done.answers]}",
                    because="items are shared out with a gap or an overlap, or every rank encodes more than its share",
                )
    return holds()


@law(
    "sharding/load-within-the-greedy-bound",
    source=("SPEC G8",),
    inputs="loaded_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=2.0,
    ignores="output rows, and which of several assignments within the bound it is",
)
def load_within_the_greedy_bound(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """The greatest load of a rank, in input rows, is at most 4/3 - 1/(3m) times that of the best assignment."""
    with over_ranks(case, subject) as run:
        for done in run.batches():
            sizes = [rows(case.family, spec.grid) for spec in done.batch]
            loads = [sum(sizes[index] for index in answer.encoded if index >= 0) for answer in done.answers]
            best, bound = least_makespan(sizes, case.ranks), greedy_bound(case.ranks)
            if max(loads) > bound * best:
                return run.violated(
                    expected=f"no rank with more than {float(bound * best):g} input rows of batch {done.number}: "
                    f"{best} is the least for {sizes} on {case.ranks} ranks, and largest first keeps within {bound}",
                    actual=f"by rank {loads}",
                    because="items are shared out by something else than their input rows, or not the largest first",
                )
        return holds(sheet=run.sheet())


def _first_unlike(run: OverRanks, wanted: list[Encoded], *, what: str, because: str) -> Verdict | None:
    for want in wanted:
        if verdict := run.unlike(run.encode(want.number), want.outputs[0], what=what, because=because):
            return verdict
    return None


@law(
    "sharding/rank-count-does-not-matter",
    source=("SPEC G8",),
    inputs="shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=4.0,
    ignores="differences within the tolerance of the dtype: other batch mates round otherwise",
)
def rank_count_does_not_matter(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """The same history over one rank, or over another number of ranks, gives the same values."""
    with over_ranks(case, subject) as run:
        wanted = list(run.batches())
    margin = 0.0
    for ranks in sorted({1, case.ranks % MOST_RANKS + 1} - {case.ranks}):
        with over_ranks(case, subject, ranks=ranks) as run:
            what = f"over {ranks} ranks as over {case.ranks}"
            because = "how many ranks there are changes which rows are read, or what a rank computes"
            if verdict := _first_unlike(run, wanted, what=what, because=because):
                return verdict
            margin = max(margin, run.margin)
    return holds(margin=margin)


@law(
    "sharding/order-does-not-matter",
    source=("SPEC G8",),
    inputs="shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=4.0,
    ignores="which rank encodes an item in either order",
)
def order_does_not_matter(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """A batch turned round, or begun in its middle, gives each item the values that it had before."""
    with over_ranks(case, subject) as run:
        for want in run.batches():
            places = list(range(len(want.batch)))
            middle = len(places) // 2
            for order in (places[::-1], places[middle:] + places[:middle]):
                answers = run.session.encode(run.items(tuple(want.batch[place] for place in order)))
                back = sorted(zip(order, answers[0].outputs or (), strict=True), key=lambda each: each[0])
                got = [output for _, output in back]
                turned = Encoded(want.number, want.batch, [RankAnswer(outputs=got)])
                if verdict := run.unlike(
                    turned,
                    want.outputs[0],
                    what=f"the same when the batch is given in the order {order}",
                    because="outputs go back to places by their size, their rank or their turn, not by their item",
                ):
                    return verdict
        return holds(margin=run.margin)


@law(
    "sharding/ranks-hold-equal-bits",
    source=("SPEC G8",),
    inputs="shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=2.0,
    ignores="whether the values are right",
)
def ranks_hold_equal_bits(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """All ranks hold the same outputs bit for bit, whichever of them encoded an item."""
    with over_ranks(case, subject) as run:
        for done in run.batches():
            if verdict := run.told(done.unequal_bits()):
                return verdict
    return holds()


@law(
    "sharding/same-collectives-on-every-rank",
    source=("SPEC G8", "BUG-E22", "BUG-G24"),
    inputs="idle_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=2.0,
    ignores="how many collectives there are, and what they carry",
)
def same_collectives_on_every_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """All ranks enter the same collectives in the same order, with tensors of one shape and dtype, whatever the mix."""
    return through_equal_collectives(case, subject)


@law(
    "sharding/results-can-be-written",
    source=("SPEC G8", "BUG-G16"),
    inputs="shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=2.0,
    ignores="gradients",
)
def results_can_be_written(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """Overwriting a result changes no other one on any rank, and the same batch still equals eager afterwards."""
    with over_ranks(case, subject) as run:
        for done in run.batches():
            every = [(rank, index) for rank, outputs in enumerate(done.outputs) for index in range(len(outputs))]
            with torch.inference_mode():
                for mark, (rank, index) in enumerate(every):
                    done.outputs[rank][index].fill_(mark)
            for mark, (rank, index) in enumerate(every):
                if not bool((done.outputs[rank][index] == mark).all()):
                    return run.violated(
                        expected=f"item {index} of batch {done.number} on rank {rank} untouched by writes into others",
                        actual="it changed with one of them",
                        because="results share memory: they are views of what was gathered, or one tensor is given out "
                        "for several items or ranks",
                    )
            if verdict := run.wrong(run.encode(done.number)):
                return verdict
        return holds(margin=run.margin)


@law(
    "sharding/results-outlive-later-batches",
    source=("SPEC G8", "BUG-G15"),
    inputs="shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=2.0,
    ignores="whether the results were right when they came",
)
def results_outlive_later_batches(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """A result stays bit for bit what it was on every rank, whatever is encoded afterwards, equal sizes included."""
    with over_ranks(case, subject) as run:
        kept = [
            (done.number, rank, output, output.clone())
            for done in run.batches()
            for rank, outputs in enumerate(done.outputs)
            for output in outputs
        ]
        for batch in case.history:
            run.session.encode(run.items(tuple(replace(spec, seed=spec.seed + 10, fill=None) for spec in batch)))
    for number, rank, output, copy in kept:
        if not torch.equal(output, copy):
            return run.violated(
                expected=f"a result of batch {number} on rank {rank} unchanged after all later batches",
                actual=f"{int((output != copy).sum())} / {copy.numel()} elements changed",
                because="the result is a view of a buffer into which later batches are gathered",
            )
    return holds()


@law(
    "sharding/failure-is-told-on-every-rank",
    source=("SPEC G8", "BUG-G24"),
    inputs="failing_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=3.0,
    ignores="the words, but for the rank that they must name",
)
def failure_is_told_on_every_rank(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """If one rank cannot encode its items, every rank raises and names it, none waits, and the next batch is right."""
    return through_the_plant(case, subject)


@law(
    "sharding/unequal-outputs-are-refused",
    source=("SPEC G8",),
    inputs="unequal_shards",
    needs=NEEDS,
    kind=ShardCase,
    cost=3.0,
    ignores="the words, but for the rank that they must name",
)
def unequal_outputs_are_refused(case: ShardCase, subject: GuardedSubject) -> Verdict:
    """Rows of another width or dtype on one rank are refused on every rank, before they are gathered."""
    return through_the_plant(case, subject)
