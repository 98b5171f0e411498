"""The benchmark's numbers: what is shown, and statistics against other ways to compute them (SPEC T8)."""

from __future__ import annotations

import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.startup_benchmark.benchmark import Results
from reference.startup_benchmark.facts import BadFacts, Facts, FailedStart, Wish
from reference.startup_benchmark.metrics import METRICS, PERCENTILES, all_stats, percentile
from reference.startup_benchmark.report import as_data, text_of

SECONDS = st.floats(0, 1e5)
VALUES = st.lists(SECONDS, min_size=1, max_size=9)


def facts(seconds: float = 5.0, *, language_model: float = 0.0, encoder: float = 0.0, compiles: int = 0) -> Facts:
    """One start."""
    return Facts(seconds, seconds / 2, language_model, encoder, compiles, loads=0, lines=("init engine",))


@given(VALUES)
def test_percentiles_are_numpys(values: list[float]) -> None:
    """Between neighbours, in proportion; of one value that value."""
    found = [percentile(values, percent) for percent in PERCENTILES]
    assert found == pytest.approx(np.percentile(values, PERCENTILES).tolist(), rel=1e-12, abs=1e-9)


@given(VALUES)
def test_statistics_are_of_the_values(values: list[float]) -> None:
    """All starts of the phase, in order, and their mean."""
    stats = {each.key: each for each in all_stats({"cold": [facts(each) for each in values]})}
    startup = stats["cold_startup"]
    assert startup.values == tuple(values)
    assert startup.average == pytest.approx(statistics.fmean(values))
    assert list(startup.percentiles) == [10, 25, 50, 75, 90, 99]


def test_percentiles_need_values() -> None:
    """None of nothing, and none beyond a hundred."""
    assert percentile([3.0], 99) == 3.0
    for values, percent in (([], 50), ([1.0], 101), ([1.0], -1), ([1.0], math.nan)):
        with pytest.raises(ValueError, match="give some, and a number from 0 to 100"):
            percentile(values, percent)


@given(st.lists(st.sampled_from([0.0, 0.25]), max_size=3), st.lists(st.sampled_from([0.0, 0.25]), max_size=3))
def test_the_encoder_metric_appears_exactly_when_an_encoder_compiled(cold: list[float], warm: list[float]) -> None:
    """In any iteration of any phase; then for every phase that was measured."""
    starts = {phase: [facts(encoder=each) for each in found] for phase, found in (("cold", cold), ("warm", warm))}
    shown = {each.key for each in all_stats(starts) if "encoder" in each.key}
    measured = {f"{phase}_encoder_compilation" for phase, found in starts.items() if found}
    assert shown == (measured if any((*cold, *warm)) else set())


def test_each_metric_reads_its_own_field() -> None:
    """Seconds are not mixed up (BUG-T03)."""
    one = Facts(8.0, 4.0, 2.0, 1.0, compiles=16, loads=32)
    assert {each.key: each.value(one) for each in METRICS} == {
        "startup": 8.0,
        "init": 4.0,
        "compilation": 2.0,
        "encoder_compilation": 1.0,
    }


def test_json_has_three_entries_for_each_metric() -> None:
    """And all that was measured besides; it is valid and comes back equal."""
    results = Results({"cold": [facts(1.0), facts(3.0, encoder=2.0)], "warm": [facts(1.0)]}, is_complete=True)
    data = json.loads(json.dumps(as_data(results, Wish("m:f", {"model": "toy"})), allow_nan=False))
    assert (data["avg_cold_startup_time"], data["cold_startup_times"]) == (2.0, [1.0, 3.0])
    assert data["cold_startup_percentiles"]["50"] == 2.0
    assert data["avg_warm_encoder_compilation_time"] == 0.0
    assert data["complete"] is True
    assert data["arguments"] == {"model": "toy"}
    assert Facts.from_json(json.dumps(data["starts"]["cold"][1])) == results.starts["cold"][1]


def test_nothing_measured_is_valid_too() -> None:
    """No average of nothing, no NaN; the failure is told with its output."""
    results = Results(failures=[FailedStart("cold", 1, "ended with exit status 1", "Traceback\nKeyError")])
    data = json.loads(json.dumps(as_data(results, Wish("m:f")), allow_nan=False))
    assert not any(name.startswith("avg_") for name in data)
    assert (data["complete"], data["failures"][0]["iteration"]) == (False, 1)
    assert text_of(results).splitlines() == [
        "No start was measured.",
        "cold start 1 ended with exit status 1. The end of its output:",
        "    Traceback",
        "    KeyError",
        "What was measured before is kept.",
    ]


def test_the_table_has_a_row_for_each_metric() -> None:
    """With its statistics, and below it what was compiled."""
    results = Results({"cold": [facts(1.0, compiles=2), facts(3.0, compiles=2)], "warm": [facts(0.5)]})
    lines = text_of(results).splitlines()
    assert lines[0].split() == ["seconds", "avg", "p10", "p25", "p50", "p75", "p90", "p99"]
    assert lines[1].split() == ["Cold", "startup", "2.00", "1.20", "1.50", "2.00", "2.50", "2.80", "2.98"]
    assert len(lines) == 1 + 6 + 2
    assert lines[-2:] == [
        "cold starts: 2 compiled and 0 loaded, 2 compiled and 0 loaded",
        "warm starts: 0 compiled and 0 loaded",
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, None, "1", True])
def test_facts_are_finite_numbers(value: object) -> None:
    """What is none is refused with its name."""
    with pytest.raises(BadFacts, match="a start reported compilation="):
        Facts(1.0, 1.0, value, 0.0, 0, 0)  # type: ignore[arg-type]  # wrong types are tested


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"seconds": 1}', '{"lines": 3}', "nonsense"])
def test_what_is_no_report_is_refused(text: str) -> None:
    """Half a file is no measurement."""
    with pytest.raises(BadFacts, match="a start left an unreadable report"):
        Facts.from_json(text)
