"""Counters of compilation: what is expected of them is named when it does not come true."""

from __future__ import annotations

import threading

import pytest

from reference.compilation.counters import CompilationCounter


def test_expected_growth_passes() -> None:
    """Only what is named is looked at, and earlier counts do not matter."""
    counter = CompilationCounter(num_graphs_seen=3)
    with counter.expect(num_graphs_seen=2, num_aot_loads=0):
        counter.add("num_graphs_seen", 2)
        counter.add("num_models_seen")
    assert counter.snapshot()["num_graphs_seen"] == 5


def test_every_wrong_number_is_named() -> None:
    """With what it grew by, and what was expected."""
    counter = CompilationCounter()
    with (
        pytest.raises(AssertionError) as failure,
        counter.expect(num_graphs_seen=1, num_aot_loads=2, num_pieces_seen=0),
    ):
        counter.add("num_aot_loads")
    assert str(failure.value) == "num_graphs_seen grew by 0, expected 1; num_aot_loads grew by 1, expected 2"


def test_an_error_inside_passes_unchanged() -> None:
    """Wrong numbers do not hide it."""
    with pytest.raises(KeyError), CompilationCounter().expect(num_graphs_seen=1):
        raise KeyError("planted")


@pytest.mark.parametrize("name", ["num_graphs", "_lock", "add"])
def test_unknown_names_are_refused(name: str) -> None:
    """By both ways of naming a number, before anything runs."""
    counter = CompilationCounter()
    with pytest.raises(ValueError, match=f"'{name}' is not counted: give one of num_models_seen, "):
        counter.add(name)
    with pytest.raises(ValueError, match="is not counted"), counter.expect(**{name: 1}):
        raise AssertionError("the body must not run")


def test_threads_lose_no_count() -> None:
    """Four threads of a thousand each."""
    counter = CompilationCounter()

    def count() -> None:
        for _ in range(1000):
            counter.add("num_pieces_seen")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert counter.num_pieces_seen == 4000
