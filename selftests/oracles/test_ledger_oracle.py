"""The account of a timeline, against numbers worked out by hand, and against itself where no hand is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from selftests.strategies.timeline_draws import draw_timelines
from suite.contract.program import COMPONENTS, Mode
from suite.contract.timeline import Compile, Timeline
from suite.oracles.ledger import settle
from suite.oracles.readings import TEXTS, texts
from suite.oracles.timelines import (
    all_full,
    not_full,
    of_worker,
    with_slower_first_runs,
    without_failed_loads,
    without_failures,
)

ENCODER = Compile("jit", "encoder", steps=(5,))
LANGUAGE = Compile("jit", "language_model")
Numbers = tuple[int, ...]


def _counters(timeline: Timeline) -> Numbers:
    """Language model and encoder of each worker in turn."""
    account = settle(timeline)
    return tuple(account.counter(worker, name) for worker in range(len(timeline.modes)) for name in COMPONENTS)


def _alone(*compiles: Compile, modes: tuple[Mode, ...] = ("full",)) -> Timeline:
    return Timeline("toy", modes, (compiles,))


def _around(*steps: int | Compile) -> Compile:
    return replace(LANGUAGE, steps=steps)


BY_HAND: dict[str, tuple[Timeline, Numbers]] = {
    "nothing": (Timeline("toy"), (0, 0)),
    "one compile": (_alone(ENCODER), (0, 5)),
    "one after the other": (_alone(ENCODER, _around(2), ENCODER), (2, 10)),
    "nested": (_alone(_around(3, ENCODER, 2)), (5, 5)),
    "nested in its own kind": (_alone(replace(ENCODER, steps=(3, ENCODER))), (0, 8)),
    "three deep": (_alone(_around(1, replace(ENCODER, steps=(10, _around(100))))), (101, 10)),
    "two side by side": (_alone(_around(ENCODER, 1, ENCODER)), (1, 10)),
    "no time": (_alone(_around(0, replace(ENCODER, steps=(0,)))), (0, 0)),
    "failed": (_alone(replace(ENCODER, fails=True)), (0, 0)),
    "failed inside and caught": (_alone(_around(3, replace(ENCODER, fails=True), 2)), (5, 0)),
    "failed inside and not caught": (_alone(_around(3, replace(ENCODER, fails=True, caught=False), 2)), (0, 0)),
    "succeeded inside one that failed": (
        _alone(_around(1, replace(ENCODER, steps=(2, replace(ENCODER, steps=(4,))), fails=True), 8)),
        (9, 4),
    ),
    "failed load": (_alone(replace(ENCODER, failed_load=7)), (0, 5)),
    "failed load inside": (_alone(_around(1, replace(ENCODER, failed_load=7), 2)), (3, 5)),
    "first run just in time": (_alone(replace(ENCODER, first_run=7)), (0, 12)),
    "first run after a load": (_alone(replace(ENCODER, path="load", first_run=7)), (0, 5)),
    "first run after a compile ahead of time": (_alone(replace(ENCODER, path="aot", first_run=7)), (0, 5)),
    "first run inside another compile": (_alone(_around(1, replace(ENCODER, path="aot", first_run=7))), (8, 5)),
    "no first run after a failure": (_alone(_around(replace(ENCODER, path="aot", first_run=7, fails=True))), (0, 0)),
    "mode stock": (_alone(ENCODER, modes=("stock",)), (0, 0)),
    "mode none": (_alone(ENCODER, modes=("none",)), (0, 0)),
    "stock inside full": (_alone(_around(1, replace(ENCODER, worker=1)), modes=("full", "stock")), (1, 0, 0, 0)),
    "full inside none": (_alone(_around(1, replace(ENCODER, worker=1)), modes=("none", "full")), (0, 0, 0, 5)),
    "two workers": (_alone(ENCODER, replace(ENCODER, worker=1), modes=("full", "full")), (0, 5, 0, 5)),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_the_account_is_what_a_hand_works_out(name: str) -> None:
    """Each rule of SPEC T2, T3 and T9 alone, in one thread."""
    timeline, expected = BY_HAND[name]
    assert _counters(timeline) == expected


def _threads(*threads: tuple[Compile, ...], turns: Numbers) -> Timeline:
    """A worker for each thread."""
    moved = (tuple(replace(each, worker=number) for each in thread) for number, thread in enumerate(threads))
    modes: tuple[Mode, ...] = ("full",)
    return Timeline("toy", modes * len(threads), tuple(moved), turns)


TWO_STEPS = replace(ENCODER, steps=(2, 3))
INTERLEAVED: dict[str, tuple[Timeline, Numbers]] = {
    "one after the other": (_threads((TWO_STEPS,), (ENCODER,), turns=(0,)), (0, 5, 0, 5)),
    "one within the other": (_threads((TWO_STEPS,), (ENCODER,), turns=(0, 1)), (0, 10, 0, 5)),
    "crossed": (_threads((TWO_STEPS,), (replace(ENCODER, steps=(10, 20)),), turns=(0, 1)), (0, 15, 0, 33)),
    "the second starts": (_threads((TWO_STEPS,), (ENCODER,), turns=(1, 0)), (0, 5, 0, 5)),
    # The nested compile waits while the other thread works, and takes that time off the one around it.
    "within a nested one": (_threads((_around(1, TWO_STEPS),), (ENCODER,), turns=(0, 0, 1)), (1, 10, 0, 5)),
    "a turn counts modulo the living": (_threads((TWO_STEPS,), (ENCODER,), turns=(7, 3, 2)), (0, 5, 0, 5)),
    "a thread with nothing to do": (_threads((replace(ENCODER, steps=()),), (ENCODER,), turns=(0,)), (0, 0, 0, 5)),
}


@pytest.mark.parametrize("name", INTERLEAVED)
def test_threads_share_the_clock_and_nothing_else(name: str) -> None:
    """Another thread's work passes inside an open monitor, and no monitor of another thread is nested in it."""
    timeline, expected = INTERLEAVED[name]
    assert _counters(timeline) == expected


def test_monitors_are_booked_in_order() -> None:
    """With their places in time, in the order in which they end, failed loads among them."""
    account = settle(_alone(_around(1, replace(ENCODER, failed_load=2), 3)))
    assert [(span.opened, span.start, span.end, span.own, span.counts) for span in account.spans] == [
        (1, 1, 3, 0, False),
        (2, 3, 8, 5, True),
        (0, 0, 11, 4, True),
    ]
    assert [span.compile.component for span in account.exits] == ["encoder", "language_model"]
    assert account.wall == 11


def test_failures_are_named_where_they_arrive() -> None:
    """One that passes through three compiles arrives three times, always under the name of the first."""
    inner = replace(ENCODER, fails=True, caught=False)
    account = settle(_alone(ENCODER, _around(1, replace(_around(inner), caught=False))))
    assert account.raised == ["failure planted in thread 0, compile 1.1.0"] * 3


Change = Callable[[Timeline], Timeline]
RELATIVES: dict[str, tuple[str, Change]] = {
    "without failures": ("failing_compiles", without_failures),
    "without failed loads": ("failed_loads", without_failed_loads),
    "with slower first runs": ("flat_compiles", lambda case: with_slower_first_runs(case, 1000)),
}


@pytest.mark.parametrize("name", RELATIVES)
def test_relatives_come_to_the_same(name: str) -> None:
    """What the laws compare a subject with itself on is equal by SPEC T9, and really another timeline."""
    strategy, change = RELATIVES[name]
    changed = 0
    for case in draw_timelines(strategy):
        assert _counters(change(case)) == _counters(case)
        changed += change(case) != case
    assert changed > 50


def _fleets() -> Iterator[Timeline]:
    yield from draw_timelines("fleets")


def test_workers_come_to_the_same_alone() -> None:
    """In fleets nothing is nested in another worker's compile."""
    for case in _fleets():
        for worker in range(len(case.modes)):
            mine = slice(2 * worker, 2 * worker + 2)
            assert _counters(of_worker(case, worker))[mine] == _counters(case)[mine]


def test_hosts_come_to_the_same_whatever_the_guest() -> None:
    """The host's counters are equal with the guest in another mode, and some guests are."""
    cases = draw_timelines("guests")
    assert all(_counters(all_full(case))[:2] == _counters(case)[:2] for case in cases)
    assert sum(all_full(case) != case for case in cases) > 50


def test_nothing_counts_without_mode_full() -> None:
    """Every counter is zero, and none of the timelines is about nothing."""
    for case in _fleets():
        assert set(_counters(not_full(case))) == {0}
        assert "full" not in not_full(case).modes


def test_nests_count_all_their_time() -> None:
    """Without failures and first runs outside, the sum over counters is all work."""
    for case in draw_timelines("nests"):
        work = sum(each.microseconds() for each in case.compiles())
        assert sum(_counters(case)) == settle(case).wall == work


def test_a_name_before_a_line_is_not_its_text() -> None:
    """A line may begin with the name of what compiles, in brackets; anything else before it is another text."""
    line = "torch.compile took 1.25 s in total"
    assert texts([line, f"[Tower] {line}"]) == [TEXTS["aot"]] * 2
    assert texts([f"Tower {line}"]) != [TEXTS["aot"]]
