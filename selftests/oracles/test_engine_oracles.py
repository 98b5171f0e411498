"""Independent answers on engines: seconds of ranks, lines that are read strictly, and processes that are left."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from suite.contract.engine_case import EngineStart, RankCompile, RankScript
from suite.oracles.engine_log import InitLine, RankLine, init_lines, printed, rank_lines, read, wanted_form
from suite.oracles.engine_times import agree, maxima, of_two_ranks, own, slowest
from suite.oracles.left_processes import watched
from suite.oracles.process_table import can_be_read

FIRST = RankScript((RankCompile("language_model", 5), RankCompile("encoder", 1, "capture"), RankCompile("encoder", 1)))
SECOND = RankScript((RankCompile("encoder", 4),))
STOCK = RankScript((RankCompile("encoder", 900),), mode="stock")
INIT = "init engine (profile, create kv cache, warmup model) took 2.50 s"


def test_the_largest_of_each_component_counts() -> None:
    """Over all ranks, whatever their modes; nothing without ranks."""
    start = EngineStart((FIRST, SECOND, STOCK))
    assert [own(script) for script in start.ranks] == [(5, 2), (0, 4), (0, 0)]
    assert maxima(start) == (5, 4)
    assert of_two_ranks(start)
    assert slowest(start) == (0,)
    assert maxima(EngineStart()) == (0, 0)
    assert not of_two_ranks(EngineStart())
    assert slowest(EngineStart((SECOND, SECOND, STOCK))) == (0, 1)


def test_counters_agree_to_half_a_microsecond() -> None:
    """Seconds beside whole microseconds."""
    assert agree((5, 4), (0.0000052, 0.0000038))
    assert not agree((5, 4), (0.000005, 0.0000046))


@pytest.mark.parametrize(
    ("line", "numbers", "form"),
    [
        (INIT, (2.5, None, None, None), "plain"),
        (f"{INIT} (compilation: 1.00 s)", (2.5, 1.0, None, None), "total"),
        (f"{INIT} (compilation: 3.00 s — language_model: 1.00 s, encoder: 2.00 s)", (2.5, 3.0, 1.0, 2.0), "split"),
    ],
)
def test_a_line_has_one_of_three_forms(
    line: str, numbers: tuple[float, float | None, float | None, float | None], form: str
) -> None:
    """Its numbers are those that are printed."""
    found = read(line)
    assert found == InitLine(*numbers)
    assert found.form == form


@pytest.mark.parametrize(
    "line",
    [
        INIT.replace("2.50", "2.5"),
        f"{INIT} ",
        f"{INIT} (compilation: 1.00 s, encoder: 1.00 s)",
        f"{INIT} (compilation: nan s)",
        f"{INIT} (compilation: 3.00 s - language_model: 1.00 s, encoder: 2.00 s)",
    ],
)
def test_other_lines_have_none(line: str) -> None:
    """Though they are about the start."""
    assert init_lines(["something else", line]) == [line]
    assert read(line) is None


def test_the_form_follows_the_counters() -> None:
    """However small they are."""
    assert wanted_form(0.0, 1e-6) == wanted_form(1.0, 1.0) == "split"
    assert wanted_form(1e-6, 0.0) == "total"
    assert wanted_form(0.0, 0.0) == "plain"


def test_a_line_of_one_rank_is_found() -> None:
    """With its seconds; lines about several ranks, or about anything else than compiling, are none."""
    lines = [
        "rank 12 compiled longest: 3.00 s (encoder: 2.00 s)",
        "rank 0 and rank 1 compiled 1.00 s",
        "rank 0 up, 1.00 s",
    ]
    assert rank_lines(lines) == [RankLine(12, (3.0, 2.0))]


def test_rounding_is_allowed_and_no_more() -> None:
    """Half of the last digit."""
    assert printed(0.01, 0.005)
    assert not printed(0.01, 0.0042)
    assert not printed(None, 0.0)


SLEEPS = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]
ORPHAN = f"import subprocess; print(subprocess.Popen({SLEEPS!r}, stdout=-3, stderr=-3).pid, flush=True)"


def test_a_child_that_stays_is_found_and_ended() -> None:
    """By its mark; one that was there before is none of it."""
    assert can_be_read()
    before = subprocess.Popen(SLEEPS)
    with watched() as watch:
        assert watch.left(patience=0.0) == []
        child = subprocess.Popen(SLEEPS)
        (found,) = watch.left(patience=0.2)
        assert (found.pid, found.parent) == (child.pid, os.getpid())
        assert "time.sleep(60)" in str(found)
    assert child.wait(timeout=10) != 0
    assert before.poll() is None
    before.kill()
    before.wait()


def test_an_orphan_is_found() -> None:
    """Its parent is gone, and nothing but its mark says who started it."""
    with watched() as watch:
        told = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=True)
        assert [each.pid for each in watch.left(patience=0.2)] == [int(told.stdout)]


def test_a_descendant_without_the_mark_is_found() -> None:
    """It threw its environment away, and still descends from this process."""
    with watched() as watch:
        child = subprocess.Popen(SLEEPS, env={})
        assert [each.pid for each in watch.left(patience=0.2)] == [child.pid]
        child.kill()
        child.wait()


def test_what_ends_in_time_is_not_left() -> None:
    """It is waited for, but no longer than needed."""
    begun = time.monotonic()
    with watched() as watch:
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(0.3)"])
        assert watch.left() == []
        child.wait()
    assert time.monotonic() - begun < 4
    assert "LOCKSTEP_STARTED_BY" not in os.environ
