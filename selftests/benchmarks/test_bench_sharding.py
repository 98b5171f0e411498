"""What the section on sharding measures: the same values on both sides, real processes, and none of them left."""

from __future__ import annotations

import pytest
import torch

from benchmarks import sharding
from benchmarks.gathering import SIZES, gather_times
from benchmarks.measure import Effort
from reference.encoder_graph.collectives import SingleRank
from suite.emulator.ranks import ThreadedCollectives, run_on_ranks

ONCE = Effort(repeats=1)


def test_both_sides_do_the_same() -> None:
    """What is timed gives equal values with and without ranks, on each of them."""

    def work(group: ThreadedCollectives) -> bool:
        alone, together = sharding.encoders("toy", group)
        pairs = list(zip(alone(), together(), strict=True))
        return len(pairs) == len(sharding.GRIDS) and all(torch.allclose(one, two, atol=1e-5) for one, two in pairs)

    assert run_on_ranks(2, work).all_values() == [True, True]


def test_the_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """By tower and ranks four figures, of which the ratios are above zero; by world what came of its processes."""
    monkeypatch.setattr(sharding, "TOWERS", ("toy",))
    monkeypatch.setattr(sharding, "RANKS", (1, 2))
    monkeypatch.setattr(sharding, "gathers", lambda world, repeats: {"world": world, "repeats": repeats})
    found = sharding.sharding(ONCE)
    threads = found["in_threads"]
    assert isinstance(threads, dict)
    names = {"unsharded_milliseconds", "sharded_milliseconds", "sharded_over_unsharded", "work_over_unsharded"}
    assert {ranks: set(figures) for ranks, figures in threads["toy"].items()} == {"1": names, "2": names}
    assert all(value > 0 for figures in threads["toy"].values() for value in figures.values())
    assert found["gather_over_gloo"] == {"2": {"world": 2, "repeats": 1}, "4": {"world": 4, "repeats": 1}}


def test_processes_gather_every_size() -> None:
    """Two real processes over gloo, started once, time each size."""
    found = sharding.gathers(2, 1)
    assert list(found) == [str(size) for size in SIZES]
    for figures in found.values():
        assert isinstance(figures, dict)
        assert figures["microseconds"] >= figures["least_microseconds"] > 0
        assert figures["mebibytes_per_second"] > 0


def test_a_rank_that_fails_is_named() -> None:
    """With its last words, and no figures are made up."""
    with pytest.raises(RuntimeError, match=r"(?s)rank 0 of 2 ended with 1: .*StatisticsError"):
        sharding.gathers(2, -1)


def test_one_rank_receives_nothing() -> None:
    """Bytes that a rank has already are not counted as gathered."""
    found = gather_times(SingleRank(), 1)
    assert {each["mebibytes_per_second"] for each in found.values() if isinstance(each, dict)} == {0.0}
