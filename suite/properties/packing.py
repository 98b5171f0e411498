"""Packing: every item once, within every limit, in the smallest graph that fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from suite.contract.case import Batch, Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.subject import Launch
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.eager import items
from suite.oracles.packing import EXACT_ITEMS, Load, cost, fits, optimum, smallest_budget
from suite.oracles.sizes import frames, tokens
from suite.properties.run import Run, in_session


def _loads(case: Case, batch: Batch) -> list[Load]:
    return [Load(tokens(case.family, spec.grid), frames(case.family, spec.grid)) for spec in batch]


def _launches(run: Run) -> Iterator[tuple[Batch, list[Launch]]]:
    """Each batch of the history with the launches that it took."""
    for _, batch, _ in run.batches():
        yield batch, list(run.session.launches())


def _wrong(run: Run, expected: str, actual: str, because: str) -> Verdict:
    return violated(expected=expected, actual=actual, because=because, evidence=run.evidence())


@law(
    "packing/every-item-once",
    source=("SPEC G4",),
    inputs="packings",
    needs=("token_budgets",),
    ignores="which items share a launch",
)
def every_item_once(case: Case, subject: GuardedSubject) -> Verdict:
    """Every item of a batch is in exactly one launch."""

    def body(run: Run) -> Verdict:
        for batch, launches in _launches(run):
            seen = Counter(index for launch in launches for index in launch.items)
            wrong = {index: seen[index] for index in {*seen, *range(len(batch))} if seen[index] != 1}
            if wrong or not set(seen) <= set(range(len(batch))):
                return _wrong(
                    run,
                    f"each of {len(batch)} items once",
                    f"launches by item: {wrong}",
                    "an item is lost or doubled",
                )
        return holds()

    return in_session(case, subject, body)


@law(
    "packing/no-limit-exceeded",
    source=("SPEC G4", "BUG-E12"),
    inputs="packings",
    needs=("token_budgets",),
    ignores="how full the launches are",
)
def no_limit_exceeded(case: Case, subject: GuardedSubject) -> Verdict:
    """No replay holds more tokens than its budget, or more items or frames than the session's limits."""

    def body(run: Run) -> Verdict:
        bounds = run.session.bounds()
        for batch, launches in _launches(run):
            loads = _loads(case, batch)
            for launch in launches:
                members = [loads[index] for index in launch.items]
                if launch.budget is not None and not fits(members, bounds, launch.budget):
                    return _wrong(
                        run,
                        f"within budget {launch.budget} and {bounds}",
                        f"{members}",
                        "a limit is not checked",
                    )
        return holds()

    return in_session(case, subject, body)


@law(
    "packing/smallest-budget",
    source=("SPEC G4", "BUG-E25"),
    inputs="packings",
    needs=("token_budgets",),
    ignores="whether other companions would have been cheaper",
)
def smallest_budget_is_taken(case: Case, subject: GuardedSubject) -> Verdict:
    """Each replay uses the smallest budget that holds its items."""

    def body(run: Run) -> Verdict:
        bounds = run.session.bounds()
        for batch, launches in _launches(run):
            loads = _loads(case, batch)
            for launch in launches:
                least = smallest_budget([loads[index] for index in launch.items], bounds)
                if launch.budget is not None and launch.budget != least:
                    return _wrong(
                        run,
                        f"budget {least} for items {launch.items}",
                        f"budget {launch.budget}",
                        "padding is wasted",
                    )
        return holds()

    return in_session(case, subject, body)


@law(
    "packing/equal-items-share",
    source=("SPEC G4",),
    inputs="packings",
    needs=("token_budgets",),
    ignores="items of several sizes: which of them go together is the packer's own affair",
)
def equal_items_share(case: Case, subject: GuardedSubject) -> Verdict:
    """Of items of one size, no two replays hold what one replay could hold for no more tokens than both."""

    def body(run: Run) -> Verdict:
        bounds = run.session.bounds()
        for number, batch in enumerate(case.history):
            sharing = [spec for spec in batch if smallest_budget(_loads(case, (spec, spec)), bounds) is not None]
            largest = sorted(sharing, key=lambda spec: tokens(case.family, spec.grid))[-1:]
            equal = (2 * case.setup.max_items + 1) * tuple(largest)
            loads = _loads(case, equal)
            run.encode(equal, number=number)
            replays = [launch for launch in run.session.launches() if launch.budget is not None]
            for one, other in combinations(replays, 2):
                both = smallest_budget([loads[index] for index in (*one.items, *other.items)], bounds)
                if both is not None and both <= (one.budget or 0) + (other.budget or 0):
                    return _wrong(
                        run,
                        f"items {one.items} and {other.items} in one replay of budget {both}",
                        f"two replays of budgets {one.budget} and {other.budget}",
                        "the packer closes a launch that had room",
                    )
        return holds()

    return in_session(case, subject, body)


@law(
    "packing/promised-bound",
    source=("SPEC G4", "BUG-E25"),
    inputs="packers",
    needs=("token_budgets", "packers"),
    ignores="packers that promise nothing, and batches too large for the exact optimum",
)
def promised_bound(case: Case, subject: GuardedSubject) -> Verdict:
    """A packer that promises a ratio to the optimum keeps it: cost <= ratio x exact optimum."""
    overhead = subject.capabilities.overhead

    def body(run: Run) -> Verdict:
        bounds = run.session.bounds()
        for batch, launches in _launches(run):
            ratio = run.session.promised_ratio(items(case, batch))
            if ratio is None or len(batch) > EXACT_ITEMS:
                continue
            best = optimum(_loads(case, batch), bounds, overhead)
            paid = cost(launches, overhead)
            # Not `paid > ...`: a promise that is not a number would be kept by any cost.
            if not paid <= ratio * best:
                return _wrong(
                    run,
                    f"at most {ratio:g} x {best} tokens",
                    f"{paid} tokens",
                    "the packer missed a cheaper grouping",
                )
        return holds()

    return in_session(case, subject, body)


@law(
    "packing/fitting-items-are-replayed",
    source=("SPEC G4", "SPEC G7", "SPEC G11", "BUG-E13", "BUG-E21"),
    inputs="packings",
    needs=("token_budgets",),
    ignores="clips that the user's limit on frames keeps out of graphs",
)
def fitting_items_are_replayed(case: Case, subject: GuardedSubject) -> Verdict:
    """An item that fits the largest graph is replayed; one that fits none runs in eager, alone.

    A limit on frames that the subject infers has room for every clip (BUG-E13).
    """

    def body(run: Run) -> Verdict:
        bounds = run.session.bounds()
        if case.setup.max_frames is None:
            bounds = replace(bounds, max_frames=None)
        for batch, launches in _launches(run):
            loads = _loads(case, batch)
            for launch in launches:
                fit = [smallest_budget([loads[index]], bounds) is not None for index in launch.items]
                right = all(fit) if launch.budget is not None else fit == [False]
                if not right:
                    where = "eager" if launch.budget is None else f"budget {launch.budget}"
                    return _wrong(
                        run,
                        "items that fit in graphs, others alone in eager",
                        f"{[loads[index] for index in launch.items]} in {where}",
                        "the way to the graphs is closed, or an oversized item is not turned away",
                    )
        return holds()

    return in_session(case, subject, body)


@law(
    "packing/plan-is-a-function-of-sizes",
    source=("SPEC G4",),
    inputs="packings",
    needs=("token_budgets",),
    ignores="subjects that capture on the way: they declare no token budgets",
)
def plan_is_a_function_of_sizes(case: Case, subject: GuardedSubject) -> Verdict:
    """The same sizes are launched the same way every time, whatever was encoded before."""

    def body(run: Run) -> Verdict:
        first = [launches for _, launches in _launches(run)]
        again = [launches for _, launches in _launches(run)]
        if first != again:
            return _wrong(run, f"the launches {first}", f"{again}", "the plan depends on the session's past")
        return holds()

    return in_session(case, subject, body)
