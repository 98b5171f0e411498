"""Configuration: accepted means it captures and runs; refused means one clear error before anything runs."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count, takewhile

from suite.contract.case import Case, Setup
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.subject import Refused
from suite.contract.verdict import Verdict, holds, violated
from suite.properties.run import Body, Run, in_session


@law(
    "configuration/accepted-means-it-runs",
    source=("SPEC G1", "SPEC G3", "BUG-E08", "BUG-E09"),
    inputs="configurations",
    needs=("configurable", "token_budgets"),
    everywhere=True,
    ignores="which configurations are refused",
)
def accepted_means_it_runs(case: Case, subject: GuardedSubject) -> Verdict:
    """A configuration is refused with a reason, or captures every budget and gives eager's values."""

    def body(run: Run) -> Verdict:
        return run.first_wrong() or holds(margin=run.margin)

    try:
        return in_session(case, subject, body)
    except Refused as refusal:
        if len(str(refusal)) < 20:
            return violated(
                expected="a refusal that names the value and the remedy",
                actual=repr(str(refusal)),
                because="the text cannot be acted on",
            )
        return holds()


def _is_named(value: object, text: str) -> bool:
    """Whether the value stands in the text as a word of its own: 0 is not named by 10."""
    return re.search(rf"(?<![\w.-]){re.escape(str(value))}(?![\w.]*\w)", text) is not None


def offending(setup: Setup) -> list[object]:
    """The budgets and limits that are no whole numbers of their range; if all are, what else is wrong."""
    given: list[tuple[object, int]] = [(budget, 1) for budget in setup.budgets]
    given += [(setup.max_items, 0), (0 if setup.max_frames is None else setup.max_frames, 0)]
    wrong = [value for value, least in given if not isinstance(value, int) or isinstance(value, bool) or value < least]
    return wrong or [setup.backend or setup.max_items]


@law(
    "configuration/bad-values-are-refused",
    source=("SPEC G1", "SPEC G3", "SPEC G10", "BUG-E24"),
    inputs="bad_configurations",
    needs=("configurable",),
    everywhere=True,
    ignores="the wording, beyond the offending value",
)
def bad_values_are_refused(case: Case, subject: GuardedSubject) -> Verdict:
    """A value that cannot work is refused at construction, by a text that holds the value."""
    wrong = offending(case.setup)
    try:
        with subject.session(case.family, case.setup):
            pass
    except Refused as refusal:
        if any(_is_named(value, str(refusal)) for value in wrong):
            return holds()
        actual, because = f"refused with: {refusal}", "the text does not hold the value that is wrong"
    else:
        actual, because = "accepted", "the value is not checked"
    return violated(expected=f"refused, naming one of {wrong}", actual=actual, because=because)


def _doubles(budgets: tuple[int, ...]) -> bool:
    """Whether these are powers of two, none left out, and a maximum at most twice the last of them."""
    *below, most = budgets or (0,)
    doubled = [2 * budget for budget in below]
    powers = all(budget & (budget - 1) == 0 for budget in below)
    return most > 0 and powers and below[1:] == doubled[:-1] and (not below or below[-1] < most <= doubled[-1])


@law(
    "configuration/ladder-is-sound",
    source=("SPEC G3",),
    inputs="configurations",
    needs=("configurable", "token_budgets"),
    ignores="where an inferred ladder begins and ends",
)
def ladder_is_sound(case: Case, subject: GuardedSubject) -> Verdict:
    """Budgets are the user's, sorted and without duplicates, or inferred; the user's limits are kept."""

    def body(run: Run) -> Verdict:
        bounds = run.session.bounds()
        given = tuple(sorted(set(case.setup.budgets)))
        right = bounds.budgets == given if given else _doubles(bounds.budgets)
        if not right:
            return violated(
                expected=f"{given or 'each power of two up to a maximum'}",
                actual=f"budgets {bounds.budgets}",
                because="what the user gives is taken as it is"
                if given
                else "the ladder is made from another limit too",
            )
        wanted = (case.setup.max_items or bounds.max_items, case.setup.max_frames or bounds.max_frames)
        if wanted != (bounds.max_items, bounds.max_frames):
            return violated(
                expected=f"the user's limits on items and frames: {wanted}",
                actual=f"{(bounds.max_items, bounds.max_frames)}",
                because="a limit of the user is replaced without a word",
            )
        return holds()

    return _accepted(case, subject, body)


@law(
    "configuration/items-fit-the-smallest-budget",
    source=("SPEC G3", "BUG-E08"),
    inputs="configurations",
    needs=("configurable", "token_budgets"),
    ignores="which of the two gives way to the other, and refused configurations",
)
def items_fit_the_smallest_budget(case: Case, subject: GuardedSubject) -> Verdict:
    """On every path of configuration a graph holds one item or more, and its smallest budget a token for each."""

    def body(run: Run) -> Verdict:
        bounds = run.session.bounds()
        if not 1 <= bounds.max_items <= min(bounds.budgets):
            return violated(
                expected=f"from 1 to {min(bounds.budgets)} items: the smallest budget has no token for more",
                actual=f"at most {bounds.max_items} items, budgets {bounds.budgets}",
                because="a limit that is inferred, or that the user gives, is not held against the smallest budget",
            )
        return holds()

    return _accepted(case, subject, body)


def _accepted(case: Case, subject: GuardedSubject, body: Body) -> Verdict:
    """What the body says of a session; a configuration that is refused is right here."""
    try:
        return in_session(case, subject, body)
    except Refused:
        return holds()


@law(
    "configuration/inferred-ladder-spans-the-range",
    source=("SPEC G3", "BUG-E25"),
    inputs="setups",
    needs=("infers_ladder",),
    ignores="ranges that begin between two powers of two: the SPEC does not say where their ladders begin",
)
def inferred_ladder_spans_the_range(case: Case, subject: GuardedSubject) -> Verdict:
    """An inferred ladder begins at the model's minimum, doubles, and ends at its maximum, a power of two or not."""
    first, most = case.setup.budgets[0], case.setup.budgets[-1]
    least = 1 << (first.bit_length() - 1)
    ladder = subject.inferred_ladder(case.family, least=least, most=most)
    wanted = (*takewhile(lambda budget: budget < most, (least << step for step in count())), most)
    if ladder != wanted:
        return violated(
            expected=f"{wanted} for a model whose budgets reach from {least} to {most}",
            actual=str(ladder),
            because="the ladder stops at a power of two below the maximum, or is inferred from something else",
        )
    return holds()


@law(
    "configuration/off-changes-nothing",
    source=("SPEC G1", "SPEC G11"),
    inputs="histories",
    needs=("can_be_off", "observable", "token_budgets"),
    everywhere=True,
    ignores="time",
)
def off_changes_nothing(case: Case, subject: GuardedSubject) -> Verdict:
    """With graphs off nothing is captured or replayed, and every item equals its solo run in eager."""
    off = replace(case, setup=replace(case.setup, enabled=False))

    def body(run: Run) -> Verdict:
        for _, batch, outputs in run.batches():
            replayed = [launch for launch in run.session.launches() if launch.budget is not None]
            facts = run.session.facts()
            if replayed or facts.graphs_alive or facts.retained_bytes:
                return violated(
                    expected="no graph captured, none replayed, no byte held for one",
                    actual=f"{facts.graphs_alive} graphs, {len(replayed)} replays, {facts.retained_bytes} bytes",
                    because="the flag is not asked",
                    evidence=run.evidence(),
                )
            if verdict := run.first_difference(batch, outputs):
                return verdict
        return holds(margin=run.margin)

    return in_session(off, subject, body)


@law(
    "configuration/asked-backend-runs",
    source=("SPEC G10", "BUG-E24"),
    inputs="backends",
    needs=("backends", "kernels_observed", "token_budgets"),
    ignores="the values: another law has them",
)
def asked_backend_runs(case: Case, subject: GuardedSubject) -> Verdict:
    """Every launch, replay or eager, attends through the kernels of the back end that was asked for and no other."""
    wanted = case.setup.backend or subject.capabilities.backends[0]

    def body(run: Run) -> Verdict:
        for _ in run.batches():
            for launch in run.session.launches():
                if launch.kernels != {wanted}:
                    where = "eager" if launch.budget is None else f"budget {launch.budget}"
                    return violated(
                        expected=f"items {launch.items} through {wanted} alone",
                        actual=f"through {', '.join(sorted(launch.kernels)) or 'none'}, in {where}",
                        because="the name of the back end is checked and not handed on to where metadata is built",
                        evidence=run.evidence(),
                    )
        return holds()

    return in_session(case, subject, body)


@law(
    "configuration/missing-method-is-named",
    source=("SPEC G2", "BUG-E15", "BUG-E18"),
    inputs="setups",
    needs=("model_protocol",),
    ignores="methods with wrong signatures",
)
def missing_method_is_named(case: Case, subject: GuardedSubject) -> Verdict:
    """A model that lacks any one method of the protocol is refused, and the method is named."""
    for method in subject.methods():
        try:
            subject.missing_method(case.family, method)
            actual = "accepted"
        except Refused as refusal:
            actual = str(refusal)
        if method not in actual:
            return violated(
                expected=f"refused, naming {method}",
                actual=actual,
                because="the protocol is not checked before the first request",
            )
    return holds()
