"""vLLM's startup benchmark before a benchmark of our own: starts are scripted, and everything is put back."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from selftests.subjects import invented_startup
from suite.contract.observed_start import seen_starts
from suite.contract.startup_case import Failing, ScriptedStart, StartupCase
from suite.properties.benchmarked import script_of
from suite.subjects.vllm.startup import INTERRUPTED, benchmark, rows_of

CASE = StartupCase(
    "toy",
    cold=(ScriptedStart(3_000_000, 0, 2_000_000, 500_000),),
    warm=(ScriptedStart(10**13, 0, 0, 0), ScriptedStart(1, 0, 1, 1)),
)


@pytest.fixture(autouse=True)
def _a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a package of the engine's name, with nothing in it."""
    monkeypatch.setitem(sys.modules, "vllm", ModuleType("vllm"))


def test_starts_are_those_of_the_script(tmp_path: Path) -> None:
    """The benchmark measures what the script says, to the last bit, with a cache of its own for each cold start."""
    script = script_of(CASE, tmp_path)
    ended = benchmark(CASE, script, invented_startup)
    assert ended.status == 0, ended.text
    assert "cold [(3.0, 2.0, 0.5)] warm [(10000000.0, 0.0, 0.0), (1e-06, 1e-06, 1e-06)]" in ended.text
    seen = seen_starts(script)
    assert [each.found for each in seen] == [(), (), (1,), (1, 2)]
    assert seen[0].cache != seen[1].cache == seen[2].cache == str(tmp_path / "user")


@pytest.mark.parametrize(("how", "status"), [("raises", 1), ("interrupted", INTERRUPTED)])
def test_a_start_that_goes_wrong_ends_the_run(how: str, status: int, tmp_path: Path) -> None:
    """A failure ends the benchmark as it ends the program; names and variables are as they were."""
    variables = {**os.environ}
    case = StartupCase("toy", failing=Failing(1, "raises" if how == "raises" else "interrupted"))
    assert benchmark(case, script_of(case, tmp_path), invented_startup).status == status
    assert {**os.environ} == variables
    assert invented_startup.time is time
    assert invented_startup.multiprocessing is multiprocessing
    assert invented_startup.EngineArgs is argparse.Namespace
    assert not hasattr(sys.modules["vllm"], "LLM")


def test_rows_are_read_from_the_text() -> None:
    """Averages come before percentiles, each under its phase and the key of its metric."""
    text = """
COLD STARTUP:
Avg startup time: 1.50 seconds
Avg encoder compilation time: 0.25 seconds
Startup time percentiles:
  10%: 1.00 seconds
  99%: 2.00 seconds
Encoder compilation time percentiles:
  10%: 0.20 seconds

WARM STARTUP:
Avg startup time: 0.50 seconds
Startup time percentiles:
  10%: 0.10 seconds
"""
    assert {row.key: row.numbers for row in rows_of(text)} == {
        "cold_startup": ("1.50", "1.00", "2.00"),
        "cold_encoder_compilation": ("0.25", "0.20"),
        "warm_startup": ("0.50", "0.10"),
    }
