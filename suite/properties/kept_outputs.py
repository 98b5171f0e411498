"""Caches of encoder outputs: what is got is the item's own result, and what is held is no more than was agreed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from suite.contract.case import ItemSpec
from suite.contract.guard import GuardedSubject
from suite.contract.keeping import Bound
from suite.contract.kept_case import KeptCase
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, unknown, violated
from suite.oracles.least_recent import LeastRecent
from suite.oracles.sizes import result_bytes, tokens
from suite.properties.kept import Done, Kept, held_bytes, keeping, name, own_bytes

NEEDS = ("keeps_outputs",)
INPUTS = "kept_histories"


@law(
    "kept_outputs/gets-the-items-own-result",
    source=("SPEC G6", "BUG-G15", "BUG-G16"),
    inputs=INPUTS,
    needs=NEEDS,
    everywhere=True,
    kind=KeptCase,
    ignores="whether anything is kept at all, and differences within the tolerance of the dtype",
)
def gets_the_items_own_result(case: KeptCase, subject: GuardedSubject) -> Verdict:
    """What a cache gives for an item is its solo run in eager, whatever was encoded, kept or thrown out since."""
    with keeping(case, subject) as kept:
        for done in kept.steps():
            if verdict := kept.first_wrong(done.answers(), f"in step {done.number}"):
                return verdict
        return kept.first_wrong(kept.get_all(), "after all steps") or holds(margin=kept.margin)


@law(
    "kept_outputs/answers-only-what-was-put",
    source=("SPEC G6",),
    inputs=INPUTS,
    needs=NEEDS,
    kind=KeptCase,
    ignores="the values of the answers",
)
def answers_only_what_was_put(case: KeptCase, subject: GuardedSubject) -> Verdict:
    """Nothing is got for an item that was never put, or was dropped or cleared since."""
    with keeping(case, subject) as kept:
        put: set[ItemSpec] = set()
        for done in kept.steps():
            strange = next((spec for spec, got in done.answers() if got is not None and spec not in put), None)
            if strange is not None:
                return violated(
                    expected=f"nothing for {name(strange)} in step {done.number}: it was not put, or is gone since",
                    actual="a result",
                    because="keys of different items are equal, or an entry outlives its end",
                )
            batch = set(done.step.batch)
            if done.step.does == "clear":
                put.clear()
            put = put | batch if done.step.does == "keep" else put - batch if done.step.does == "drop" else put
    return holds()


@law(
    "kept_outputs/held-within-its-bound",
    source=("SPEC G6",),
    inputs=INPUTS,
    needs=NEEDS,
    kind=KeptCase,
    ignores="caches that state no bound, and memory for keys",
)
def held_within_its_bound(case: KeptCase, subject: GuardedSubject) -> Verdict:
    """The storages that a cache keeps alive, its entries and their rows are never more than it says."""
    with keeping(case, subject) as kept:
        bound = kept.session.bound()
        for done in kept.steps():
            if verdict := _beyond(bound, kept.session.holds(), number=done.number):
                return verdict
    return holds()


def _beyond(bound: Bound, held: Sequence[Tensor], *, number: int) -> Verdict | None:
    for what, most, now in (
        ("bytes", bound.bytes, held_bytes(held)),
        ("entries", bound.entries, len(held)),
        ("tokens", bound.tokens, sum(map(len, held))),
    ):
        if most is not None and now > most:
            return violated(
                expected=f"at most {most} {what} after step {number}",
                actual=f"{now} {what} are held",
                because="what is kept is counted by less than it holds alive, or too little is thrown out",
            )
    return None


@law(
    "kept_outputs/a-result-pins-no-batch",
    source=("SPEC G6", "BUG-G16"),
    inputs=INPUTS,
    needs=NEEDS,
    kind=KeptCase,
    ignores="how much is kept",
)
def a_result_pins_no_batch(case: KeptCase, subject: GuardedSubject) -> Verdict:
    """What a cache holds keeps no more memory alive than the results themselves take."""
    with keeping(case, subject) as kept:
        for done in kept.steps():
            held = kept.session.holds()
            wanted, now = sum(own_bytes(each) for each in held), held_bytes(held)
            if now > wanted:
                return violated(
                    expected=f"{wanted} bytes for the {len(held)} results held after step {done.number}",
                    actual=f"{now} bytes of storage are alive for them",
                    because="a result is kept as a slice, and its whole batch, or a buffer, stays with it",
                )
    return holds()


@law(
    "kept_outputs/results-outlive-their-entries",
    source=("SPEC G6", "BUG-G15"),
    inputs=INPUTS,
    needs=NEEDS,
    kind=KeptCase,
    ignores="whether the results were right when they came",
)
def results_outlive_their_entries(case: KeptCase, subject: GuardedSubject) -> Verdict:
    """A result that was got stays bit for bit what it was, whatever the cache then keeps, throws out or clears."""
    with keeping(case, subject) as kept:
        taken = [
            (done.number, spec, got, got.clone())
            for done in kept.steps()
            for spec, got in done.answers()
            if got is not None
        ]
        taken += [(len(case.steps), spec, got, got.clone()) for spec, got in kept.get_all() if got is not None]
        kept.session.clear()
        for number, spec, got, copy in taken:
            if not torch.equal(got, copy):
                return violated(
                    expected=f"what was got for {name(spec)} in step {number} unchanged after all later steps",
                    actual=f"{int((got != copy).sum())} / {copy.numel()} elements changed",
                    because="the cache writes into memory that it has given out, or gives out a graph's",
                )
    return holds()


@law(
    "kept_outputs/results-can-be-written",
    source=("SPEC G6", "BUG-G16"),
    inputs=INPUTS,
    needs=(*NEEDS, "kept_can_be_written"),
    kind=KeptCase,
    ignores="gradients",
)
def results_can_be_written(case: KeptCase, subject: GuardedSubject) -> Verdict:
    """Whoever writes into a result that was put, or got, changes nothing that anybody gets later."""
    with keeping(case, subject) as kept:
        for done in kept.steps():
            if verdict := kept.first_wrong(done.answers(), f"in step {done.number}, after writes into results"):
                return verdict
            _scribble(done)
        return kept.first_wrong(kept.get_all(), "after writes into results") or holds(margin=kept.margin)


def _scribble(done: Done) -> None:
    with torch.inference_mode():
        for each in (*done.results, *done.got):
            if each is not None:
                each.fill_(float(done.number))


@law(
    "kept_outputs/keeps-what-fits",
    source=("SPEC G6",),
    inputs=INPUTS,
    needs=NEEDS,
    kind=KeptCase,
    ignores="everything but the item that was put last",
)
def keeps_what_fits(case: KeptCase, subject: GuardedSubject) -> Verdict:
    """The item that was put last is there, if its result fits into the cache at all."""
    with keeping(case, subject) as kept:
        bound = kept.session.bound()
        for done in kept.steps():
            if done.step.does != "keep" or not _fits(case, bound, done.step.batch[-1]):
                continue
            last = done.step.batch[-1]
            if kept.get(last) is None:
                return violated(
                    expected=f"something for {name(last)}, which step {done.number} put last, and which fits",
                    actual="nothing",
                    because="too much is counted for a result, the newest is thrown out first, or nothing is kept",
                )
    return holds()


def _size(case: KeptCase, spec: ItemSpec) -> int:
    return result_bytes(case.family, tokens(case.family, spec.grid))


def _room(case: KeptCase, bound: Bound) -> int | None:
    """The bound in bytes of results; None if it is neither of bytes nor of tokens."""
    stated = [] if bound.tokens is None else [result_bytes(case.family, bound.tokens)]
    return min((*stated, *([] if bound.bytes is None else [bound.bytes])), default=None)


def _fits(case: KeptCase, bound: Bound, spec: ItemSpec) -> bool:
    room = _room(case, bound)
    return (room is None or _size(case, spec) <= room) and (bound.entries is None or bound.entries > 0)


@law(
    "kept_outputs/least-recently-used-goes-first",
    source=("SPEC G6",),
    inputs=INPUTS,
    needs=(*NEEDS, "keeps_least_recent_last"),
    kind=KeptCase,
    ignores="values",
)
def least_recently_used_goes_first(case: KeptCase, subject: GuardedSubject) -> Verdict:
    """A cache has exactly the items for which there is room when the least recently put or got go first."""
    with keeping(case, subject) as kept:
        room = _room(case, kept.session.bound())
        if room is None:
            return unknown("the cache promises an order, but no bound in bytes or tokens: nothing to compare")
        oracle = LeastRecent(room)
        for done in kept.steps():
            if verdict := _other_keys(kept, done, oracle):
                return verdict
        got = [spec for spec, each in kept.get_all() if each is not None]
        wanted = [spec for spec in case.pool() if oracle.has(spec)]
        if got == wanted:
            return holds()
        return violated(
            expected=f"after all steps, {[name(spec) for spec in wanted]}",
            actual=f"{[name(spec) for spec in got]}",
            because="another order is thrown out, too much is, or sizes are counted wrongly",
        )


def _other_keys(kept: Kept, done: Done, oracle: LeastRecent) -> Verdict | None:
    """Does the step in the oracle; a violation if the cache had, or had not, an item otherwise than the oracle."""
    if done.step.does == "clear":
        oracle.clear()
    for spec in done.step.batch:
        if done.step.does == "keep":
            oracle.put(spec, _size(kept.case, spec))
        elif done.step.does == "drop":
            oracle.drop(spec)
    for spec, got in done.answers():
        if oracle.get(spec) != (got is not None):
            return violated(
                expected=f"{'something' if got is None else 'nothing'} for {name(spec)} in step {done.number}",
                actual="nothing" if got is None else "a result",
                because="another order is thrown out, too much is, or sizes are counted wrongly",
            )
    return None
