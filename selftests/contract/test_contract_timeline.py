"""Timelines as data: whose turn it is, what they weigh, how they print, and which JSON is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suite.contract.case import BadCase
from suite.contract.kinds import read_case
from suite.contract.timeline import Compile, Timeline, planted_failure

INNER = Compile("load", "language_model", worker=1, steps=(4,), fails=True, caught=False)
OUTER = Compile("aot", steps=(3, INNER, 2), failed_load=10, first_run=100)
CASE = Timeline("toy", ("full", "stock"), ((OUTER, OUTER), (INNER,)), (1, 0))


def test_work_is_counted_with_all_that_is_in_it() -> None:
    """Compiles and microseconds of a tree: failed loads and first runs are work too."""
    assert (OUTER.count(), OUTER.microseconds()) == (2, 119)
    assert list(OUTER.nested()) == [INNER]


def test_a_size_is_threads_compiles_workers_and_work() -> None:
    """What shrinking goes by, in this order."""
    assert CASE.size() == (2, 5, 2, 242)
    assert Timeline("toy").size() == (0, 0, 1, 0)


def test_it_prints_as_one_line() -> None:
    """Everything that decides a verdict is in the line."""
    inner = "load language_model@1(4 fails uncaught)"
    outer = f"aot encoder after a failed load of 10(3 {inner} 2 run 100)"
    assert str(CASE) == f"toy: modes ['full', 'stock'], threads {outer}, {outer}  |  {inner}, turns [1, 0]"


@pytest.mark.parametrize(
    ("turns", "living", "order"),
    [
        ((0,), [0, 1, 2], [0, 0, 0, 0]),
        ((0, 1), [0, 1, 2], [0, 1, 0, 1]),
        ((0, 1), [2], [2, 2, 2, 2]),
        ((5, 1, 3), [0, 2], [2, 2, 2, 2]),
        ((4, 1, 3), [0, 2], [0, 2, 2, 0]),
    ],
)
def test_turns_go_round_over_those_who_live(turns: tuple[int, ...], living: list[int], order: list[int]) -> None:
    """The n-th turn is the n-th number, counted modulo the threads that are not at an end."""
    timeline = Timeline("toy", turns=turns)
    assert [timeline.next_thread(turn, living) for turn in range(4)] == order


def test_a_planted_failure_says_where() -> None:
    """By thread, and by the steps that lead to the compile."""
    assert planted_failure(1, (0, 2)) == "failure planted in thread 1, compile 0.2"


def _with(**fields: object) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(CASE.to_json())
    return {**data, **fields}


def _compile(**fields: object) -> dict[str, Any]:
    (compile_,) = json.loads(CASE.to_json())["threads"][1]
    return _with(threads=[[{**compile_, **fields}]])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (_with(modes=["fast"]), "mode 'fast'; choose one of none, stock, full"),
        (_with(turns=[]), "turns are []"),
        (_with(turns=["a"]), "turns are ['a']"),
        (_compile(path="cache"), "path 'cache'; choose one of load, aot, jit"),
        (_compile(component="tower"), "component 'tower'; choose one of language_model, encoder"),
        (_compile(worker=2), "worker 2; choose one of 0, 1"),
        (_compile(failed_load=3), "failed_load goes before a path other than 'load'"),
        (_compile(steps=[1, -1]), "work of less than nothing in (0, 0, 1, -1)"),
        (_compile(first_run=-2), "work of less than nothing in (0, -2, 4)"),
        (_compile(steps=["x"]), "compile 'x' is not an object"),
        (_compile(fails="yes"), "fails of the compile is 'yes'"),
        (_with(modes=["full"]), "worker 1; choose one of 0"),
    ],
)
def test_what_cannot_run_is_refused_with_its_reason(data: dict[str, Any], sentence: str) -> None:
    """The value, and what would be valid."""
    with pytest.raises(BadCase) as refusal:
        read_case(data)
    assert sentence in str(refusal.value)
