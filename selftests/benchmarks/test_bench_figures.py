"""`python -m benchmarks`: sections, refusals, and the shape of what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import wall
from benchmarks.laws import laws
from benchmarks.measure import Effort, at_most, median_seconds
from benchmarks.pytest_run import Run
from reports.records import RecordWriter, read
from selftests.benchmarks.small_runs import HEADER, HELD
from suite.driver.catalogue import LAWS

ONCE = Effort(repeats=1)
A_FEW = [LAWS[name] for name in ("values/replay-equals-eager", "values/photographs", "packing/smallest-budget")]


def test_emulator_and_packing(capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object on standard output: figures with a target carry it and whether it is met."""
    assert bench.main(["emulator", "packing", "--repeats", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["setting", "emulator", "packing"]
    for tower in ("qwen3_vl", "toy"):
        for form in ("single_device", "two_devices"):
            figures = found["emulator"][tower][form]
            assert figures["operations"] > 10
            assert figures["capture_microseconds_per_operation"] > figures["replay_microseconds_per_operation"] > 0
    single = found["emulator"]["qwen3_vl"]["single_device"]
    assert single["replay_over_eager"].keys() == {"value", "target", "meets"}
    assert (single["replay_over_eager"]["target"], single["capture_over_eager"]["target"]) == (3.0, 10.0)
    assert found["packing"]["cost_over_optimum"]["least_cost"]["worst"] == 1.0
    assert found["setting"]["repeats"] == 1


def test_laws() -> None:
    """A cost for every law, the dearest first; a law that says nothing of the toy is named with its reason."""
    found = laws(ONCE, chosen=A_FEW)
    costs = found["milliseconds_per_example"]
    assert isinstance(costs, dict)
    assert costs.keys() == {"values/replay-equals-eager", "packing/smallest-budget"}
    assert list(costs.values()) == sorted(costs.values(), reverse=True)
    assert min(costs.values()) > 0
    assert found["inapplicable"] == {"values/photographs": "the family has no image processor to read photographs with"}
    assert found["not_held"] == []


def test_suite_and_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Profiles with their slowest test; premerge and the speed-up only in full. Runs are stood in for."""
    writer = RecordWriter(tmp_path / "records.jsonl", HEADER)
    writer.append({**HELD, "seconds": 2.0})
    writer.append({"kind": "fault", "fault": "packing/one", "killed": True, "seconds": 3.456})
    writer.close({"kind": "footer", "exit_status": 0, "wall_seconds": 1.0})
    took = {"0": 60.0, "2": 40.0, "auto": 30.0}
    monkeypatch.setattr(wall, "run", lambda *_, **__: Run(0, 4.0, 3.0))
    monkeypatch.setattr(wall, "run_suite", lambda *words, **_: Run(0, took[words[1]], 9.0, read(writer.path)))
    found = wall.suite(Effort(full=True))
    profile = {
        "seconds": 30.0,
        "cpu_seconds": 9.0,
        "exit_status": 0,
        "slowest": {"test": "fault packing/one", "seconds": 3.46},
    }
    assert found == {
        "collection": {"seconds": 4.0, "cpu_seconds": 3.0, "exit_status": 0},
        "smoke": profile,
        "premerge": profile,
        "two_workers": {
            "options": "--profile seeds --seed 0",
            "one_process": {"seconds": 60.0, "cpu_seconds": 9.0, "exit_status": 0},
            "two_workers": {"seconds": 40.0, "cpu_seconds": 9.0, "exit_status": 0},
            "speed_up": 1.5,
        },
    }
    assert wall.suite(Effort()).keys() == {"collection", "smoke"}


def test_sections_are_taken_once_and_all_by_default() -> None:
    """Order as given."""
    assert bench.sections_of(["laws", "emulator", "laws"]) == ("laws", "emulator")
    assert bench.sections_of([]) == ("emulator", "packing", "compile", "sharding", "laws", "suite", "memory")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["speed"], "no section 'speed': choose from emulator, packing, compile, sharding, laws, suite, memory"),
        (["--repeats", "0"], "'0'"),
    ],
)
def test_bad_request(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, one sentence, nothing on standard output."""
    assert bench.main(arguments) == bench.BAD_REQUEST
    said = capsys.readouterr()
    assert named in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_turns() -> None:
    """Works take turns, and the first turn is not counted."""
    seen: list[str] = []
    seconds = median_seconds({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, repeats=2, calls=2)
    assert "".join(seen) == "ab" + "aabb" * 2
    assert seconds.keys() == {"a", "b"}


def test_targets_are_upper_bounds() -> None:
    """A figure at its target meets it."""
    assert at_most(3.0, 3.0) == {"value": 3.0, "target": 3.0, "meets": True}
    assert at_most(3.1, 3.0)["meets"] is False
