"""Every class of timelines occurs in the strategy that is there for it, with a share that was measured."""

from __future__ import annotations

import pytest

from models.families import family
from selftests.strategies.timeline_draws import draw_timelines
from suite.contract.timeline import Compile, Timeline
from suite.strategies.catalogue import labels
from suite.strategies.timelines import TIMELINE_LABELS, TIMELINES

DRAWS = 200
AT_LEAST: dict[str, dict[str, int]] = {
    "timelines": {
        "load": 37,
        "aot": 38,
        "jit": 37,
        "fails": 24,
        "load-interrupted": 8,
        "caught-inside": 5,
        "uncaught-inside": 4,
        "failed-load": 44,
        "first-run-outside": 38,
        "first-run-inside": 27,
        "encoder-in-language-model": 14,
        "language-model-in-encoder": 13,
        "nested-in-its-own-kind": 34,
        "worker-in-worker": 17,
        "three-deep": 22,
        "four-deep": 4,
        "mode-none": 7,
        "mode-stock": 10,
        "no-time": 12,
        "equal-times": 6,
        "same-counter-twice": 36,
    },
    "crowds": {
        "several-threads": 100,
        "shared-worker": 22,
        "several-workers": 27,
        "turns-alternate": 38,
        "fails": 34,
        "load-interrupted": 10,
        "caught-inside": 4,
        "uncaught-inside": 8,
        "failed-load": 55,
        "encoder-in-language-model": 16,
        "language-model-in-encoder": 13,
        "no-time": 18,
    },
    "nests": {
        "encoder-in-language-model": 23,
        "language-model-in-encoder": 24,
        "nested-in-its-own-kind": 44,
        "worker-in-worker": 16,
        "three-deep": 44,
        "four-deep": 9,
        "load": 37,
        "aot": 35,
        "jit": 40,
    },
    "guests": {"worker-in-worker": 100, "mode-none": 30, "mode-stock": 26, "three-deep": 23},
    "flat_compiles": {
        "load": 27,
        "aot": 31,
        "jit": 28,
        "first-run-outside": 36,
        "first-run-inside": 15,
        "same-counter-twice": 34,
        "equal-times": 7,
    },
    "failing_compiles": {
        "fails": 100,
        "load-interrupted": 35,
        "caught-inside": 13,
        "uncaught-inside": 15,
        "three-deep": 25,
    },
    "failed_loads": {"failed-load": 100, "misfit": 22, "nested-in-its-own-kind": 13, "encoder-in-language-model": 5},
    "fleets": {
        "several-workers": 100,
        "mode-none": 22,
        "mode-stock": 26,
        "fails": 33,
        "failed-load": 50,
        "first-run-outside": 45,
    },
}
"""Percent of 200 draws that must be in the class: about two thirds of the least of six seeds."""


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_every_class_occurs(strategy: str) -> None:
    """Each class that a strategy is there for has its share."""
    drawn = draw_timelines(strategy, examples=DRAWS)
    shares = {name: 100 * sum(map(is_in, drawn)) / len(drawn) for name, is_in in TIMELINE_LABELS.items()}
    rare = {label: (shares[label], least) for label, least in AT_LEAST[strategy].items() if shares[label] < least}
    assert not rare, f"{strategy}: (percent drawn, percent wanted) {rare}"


def test_every_class_is_wanted_somewhere() -> None:
    """No label is left without a strategy that must reach it, and no strategy without a share."""
    assert {label for shares in AT_LEAST.values() for label in shares} == set(TIMELINE_LABELS)
    assert set(AT_LEAST) == set(TIMELINES)


def test_few_timelines_are_drawn_twice() -> None:
    """A search of 100 cases looks at more than 75 different ones."""
    for strategy in TIMELINES:
        assert len(set(draw_timelines(strategy, examples=100))) > 75, strategy


ONE = Compile("jit", steps=(1,))
IN_ONE = Compile("load", "language_model", steps=(1, 1, ONE), fails=True, first_run=2)
IN_TWO = Compile("aot", worker=1, steps=(0, IN_ONE), first_run=1)
LATE = Compile("jit", failed_load=3, first_run=1)
LOST = Compile("jit", steps=(Compile("jit", fails=True, caught=False),))


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        (Timeline("toy"), set()),
        (Timeline("toy", threads=((ONE,),)), {"jit"}),
        (Timeline("toy", threads=((ONE, LATE),)), {"jit", "failed-load", "first-run-inside", "same-counter-twice"}),
        (
            Timeline("toy", threads=((LOST,),)),
            {"jit", "fails", "uncaught-inside", "nested-in-its-own-kind"} | {"same-counter-twice"},
        ),
        (
            Timeline("toy", threads=((IN_ONE,),)),
            {"load", "jit", "fails", "load-interrupted", "equal-times"}
            | {"first-run-outside", "encoder-in-language-model"},
        ),
        (
            Timeline("toy", ("full", "none"), ((IN_TWO,),)),
            {"load", "aot", "jit", "fails", "load-interrupted", "caught-inside", "equal-times", "first-run-outside"}
            | {"encoder-in-language-model", "language-model-in-encoder", "worker-in-worker", "three-deep"}
            | {"several-workers", "mode-none", "no-time"},
        ),
        (
            Timeline("toy", ("stock",), ((ONE,), ()), (0, 1)),
            {"jit", "mode-stock", "several-threads", "shared-worker"} | {"turns-alternate"},
        ),
    ],
)
def test_labels_say_what_a_timeline_is(timeline: Timeline, expected: set[str]) -> None:
    """Timelines written by hand: exactly these labels."""
    assert set(labels(timeline, family("toy"))) == expected
