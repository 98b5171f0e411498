"""The search: the smallest violation, within its time, the same on every run, and never a false green."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import Phase, settings

from models.api import Grid
from selftests.contract.invented import encodes_first_batch, invented_law, raising, subject
from selftests.driver.hunting import PROFILE, WRONG, Clock, Trail, hunt
from selftests.strategies.spaces import CAPABLE, space
from suite.contract.case import AnyCase, Case, ItemSpec
from suite.contract.guard import GuardedSubject
from suite.contract.verdict import Difference, Outcome, Verdict, holds, unknown
from suite.driver.profiles import Profile
from suite.driver.search import search
from suite.oracles.sizes import total_tokens
from suite.strategies.cases import Space


class _Drawless(Profile):
    """A profile with which Hypothesis draws nothing."""

    def settings(self, examples: int) -> settings:
        """Without the phase that draws."""
        return settings(super().settings(examples), phases=(Phase.shrink,))


def _always(_case: Case, _given: GuardedSubject) -> Verdict:
    return WRONG


def _never(_case: Case, _given: GuardedSubject) -> Verdict:
    return holds()


def _from_seven(case: Case, _given: GuardedSubject) -> Verdict:
    return WRONG if total_tokens("toy", case.history[0]) >= 7 else holds()


def _size(case: AnyCase | None) -> tuple[int, int]:
    assert isinstance(case, Case)
    return len(case.history[0]), total_tokens("toy", case.history[0])


def _violating(trail: Trail) -> list[Case]:
    return [case for case in trail.cases if _size(case)[1] >= 7]


def test_a_law_that_holds_has_all_its_cases() -> None:
    """As many cases as the profile wants, each with its labels; no case to show."""
    trail = Trail()
    found = hunt(_never, trail=trail)
    assert (found.verdict.outcome, found.case) == (Outcome.HOLDS, None)
    assert found.cases == len(trail.cases) == 40
    assert found.labels["smallest-item"] > 5
    assert list(found.labels) == sorted(found.labels)


def test_the_smallest_violation_is_kept() -> None:
    """Of all the violations that were seen the smallest is told: seven tokens, and no case seen below that."""
    trail = Trail()
    found = hunt(_from_seven, trail=trail)
    assert found.verdict == WRONG
    assert found.case is not None
    assert _size(found.case) == (1, 7) == min(map(_size, _violating(trail)))
    assert found.cases == len(trail.cases)


def test_the_simplest_violation_is_one_smallest_image() -> None:
    """A law that is always violated is told with the simplest case there is."""
    found = hunt(_always)
    assert isinstance(found.case, Case)
    assert found.case.history == ((ItemSpec(Grid(1, 2, 2)),),)


def test_no_case_is_started_after_the_search_time() -> None:
    """A second per case and ten seconds: ten cases, one more at the edge, and the number is told."""
    found = hunt(_never, profile=replace(PROFILE, search_seconds=10.0))
    assert found.verdict.outcome is Outcome.HOLDS
    assert 10 <= found.cases <= 11
    assert found.seconds == found.cases


@pytest.mark.parametrize("seconds", [1.0, 4.0, 9.0, 20.0])
def test_shrinking_stops_at_its_time(seconds: float) -> None:
    """From the first violation on only so many smaller ones are tried; the smallest so far is told."""
    trail = Trail()
    found = hunt(_from_seven, trail=trail, profile=replace(PROFILE, shrink_seconds=seconds))
    first = trail.cases.index(_violating(trail)[0])
    assert found.verdict == WRONG
    assert len(trail.cases) - first <= seconds + 2
    assert found.case is not None
    assert _size(found.case) == min(map(_size, _violating(trail)))


def test_no_shrinking_at_all() -> None:
    """With no time for it, the first violation is told as it is."""
    trail = Trail()
    found = hunt(_from_seven, trail=trail, profile=replace(PROFILE, shrink_seconds=0.0))
    assert found.case == trail.cases[-1]
    assert len(_violating(trail)) == 1


def test_the_first_case_is_always_tried() -> None:
    """A machine so busy that time is over before the first case: it is judged none the less, and no other."""
    late = replace(PROFILE, search_seconds=-1.0)
    held = hunt(_never, profile=late)
    assert (held.verdict.outcome, held.cases) == (Outcome.HOLDS, 1)
    assert (held.verdict.reason or "").startswith("time was up after 1 of ")
    assert hunt(_always, profile=late).verdict == WRONG


def test_no_case_at_all_is_unknown() -> None:
    """A search that drew nothing says so, and is not green."""
    found = hunt(_never, profile=_Drawless(**asdict(PROFILE)))
    assert (found.verdict.outcome, found.cases, found.labels) == (Outcome.UNKNOWN, 0, {})


def test_a_strategy_that_refuses_is_unknown() -> None:
    """Packers of a subject that has none: Hypothesis refuses, and the law says nothing."""
    empty = Space(space("toy").family, replace(CAPABLE, packers=()))
    found = search(invented_law(_never, inputs="packers"), empty, subject(), profile=PROFILE)
    assert found.verdict.outcome is Outcome.UNKNOWN
    assert (found.verdict.reason or "").startswith("the strategy 'packers' failed: InvalidArgument: ")


def test_a_strategy_that_raises_is_unknown() -> None:
    """An exception of the strategy's own is no different."""
    empty = Space(space("qwen2_vl").family, CAPABLE)
    found = search(invented_law(_never, inputs="photographs"), empty, subject(), profile=PROFILE)
    assert found.verdict.outcome is Outcome.UNKNOWN
    assert "the strategy 'photographs' failed: IndexError" in (found.verdict.reason or "")


def _drawn(
    *, seed: int = 0, law_id: str = "invented/law", family: str = "toy", inputs: str = "histories"
) -> list[Case]:
    trail = Trail()
    hunt(_never, trail=trail, seed=seed, law_id=law_id, family=family, inputs=inputs)
    return trail.cases


def test_the_seed_decides_the_cases() -> None:
    """The same seed draws the same cases again; another seed, or another law, draws others."""
    first = _drawn()
    assert _drawn() == first
    assert _drawn(seed=1) != first
    assert _drawn(law_id="invented/other") != first


def test_families_have_cases_of_their_own() -> None:
    """No two families see the same draws, even where their sizes agree."""
    assert [case.history for case in _drawn(family="qwen2_vl")] != [case.history for case in _drawn()]


def test_a_violation_ends_an_unknown_search() -> None:
    """What is unknown for large batches and violated for small ones is violated, and stays so."""

    def check(case: Case, _given: GuardedSubject) -> Verdict:
        size = total_tokens("toy", case.history[0])
        if size == 1:
            return holds()
        return unknown("too large") if size > 4 else WRONG

    found = hunt(check)
    assert found.verdict == WRONG
    assert found.case is not None
    assert 1 < _size(found.case)[1] <= 4


def test_an_unknown_verdict_is_kept_with_its_case() -> None:
    """A law that can never be checked is told with the case it failed on."""
    found = hunt(lambda _case, _given: unknown("cannot say"))
    assert found.verdict == unknown("cannot say")
    assert found.case is not None


def test_a_violation_that_does_not_repeat_is_kept() -> None:
    """A subject that fails once and never again is violated: no second look turns it green."""
    seen: list[Case] = []

    def check(case: Case, _given: GuardedSubject) -> Verdict:
        seen.append(case)
        return WRONG if len(seen) == 3 else holds()

    found = hunt(check)
    assert found.verdict == WRONG
    assert found.case == seen[2]


class _TimeOut(BaseException):
    """As a time-out arrives."""


def test_a_subject_that_hangs_is_violated_and_not_tried_again() -> None:
    """The call is named; no second case is spent on a subject that hung."""
    trail = Trail()
    hanging = subject(encode=raising(_TimeOut("60 s")))
    found = hunt(encodes_first_batch, trail=trail, given=hanging)
    assert found.verdict.outcome is Outcome.VIOLATED
    assert found.verdict.violation is not None
    assert found.verdict.violation.actual == "encode did not come back: _TimeOut: 60 s"
    assert len(trail.cases) == 1


@pytest.mark.parametrize("stop", [_TimeOut("60 s"), SystemExit(2)], ids=repr)
def test_a_law_that_hangs_or_exits_is_unknown(stop: BaseException) -> None:
    """What stops the check outside the subject says nothing of the subject."""

    def check(case: Case, given: GuardedSubject) -> Verdict:
        with given.session(case.family, case.setup):
            raise stop

    found = hunt(check)
    assert found.verdict == unknown(f"the check was stopped: {type(stop).__name__}: {stop}")


def test_an_interrupt_passes() -> None:
    """The user's own interrupt ends the run, not the law."""
    with pytest.raises(KeyboardInterrupt):
        hunt(encodes_first_batch, given=subject(encode=raising(KeyboardInterrupt())))


def test_the_worst_noise_and_margin_are_told() -> None:
    """Over all cases the greatest of each, whatever order they came in."""
    margins = iter([0.1, 0.5, 0.2] * 20)

    def check(_case: Case, _given: GuardedSubject) -> Verdict:
        margin = next(margins)
        return holds(noise=Difference("eager again", margin / 10, margin, 0, 1, 0, 0, (0, 0)), margin=margin)

    found = hunt(check)
    assert (found.margin, found.noise and found.noise.max_abs) == (0.5, 0.05)
    assert hunt(_never).margin is None


def test_each_case_is_told_before_it_is_tried() -> None:
    """So that a death can be told with the case that caused it."""
    told: list[AnyCase] = []

    def check(case: Case, _given: GuardedSubject) -> Verdict:
        assert told[-1] == case
        return holds()

    law = invented_law(check)
    found = search(law, space("toy"), subject(), profile=PROFILE, examples=5, clock=Clock().read, on_case=told.append)
    assert (found.verdict.outcome, len(told), found.cases) == (Outcome.HOLDS, 5, 5)
