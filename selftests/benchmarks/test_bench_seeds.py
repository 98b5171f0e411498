"""The run over many seeds: which seeds, what counts as held, and what is printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import seeds
from benchmarks.alarms import Judged, judged
from benchmarks.pytest_run import Run
from selftests.benchmarks.small_runs import HELD, UNKNOWN, VIOLATED, records_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("0-3", (0, 1, 2, 3)), ("7", (7,)), ("3, 1-2 ,2", (3, 1, 2)), ("19-19", (19,))],
)
def test_seeds(text: str, wanted: tuple[int, ...]) -> None:
    """Numbers and ranges, each seed once, in the order given."""
    assert seeds.seeds_of(text) == wanted


def test_default_is_twenty_seeds() -> None:
    """Without options: seeds 0 to 19."""
    assert seeds.requested([])[0] == tuple(range(20))


def test_count() -> None:
    """`--count` takes the first seeds; `--limit` is in seconds."""
    assert seeds.requested(["--count", "3", "--limit", "9"]) == ((0, 1, 2), 9)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--seeds", ""], "'' is no seed"),
        (["--seeds", "0-"], "'0-' is no seed"),
        (["--seeds=-1"], "'-1' is no seed"),
        (["--seeds", "0,x"], "'x' is no seed"),
        (["--seeds", "٣"], "'٣' is no seed"),
        (["--seeds", "5-2"], "5-2 runs backwards"),
        (["--seeds", "0-999999999"], "more than 1000 seeds"),
        (["--count", "0"], "--count '0'"),
        (["--count", "many"], "--count 'many'"),
        (["--limit", "0"], "--limit '0'"),
        (["--limit", "1e3"], "--limit '1e3'"),
    ],
)
def test_bad_request(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, one sentence that names the value, nothing on standard output."""
    assert seeds.main(arguments) == seeds.BAD_REQUEST
    said = capsys.readouterr()
    assert named in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_complete_run_that_held_holds(tmp_path: Path) -> None:
    """The one way to be green."""
    found = judged(Run(0, 2.0, 1.5, records_of(tmp_path, HELD)), seed=4)
    assert found == Judged(4, "holds", 1, 1, 3, 2.0, 1.5, (), ())


def test_a_false_alarm_says_how_to_see_it_again(tmp_path: Path) -> None:
    """Law, family, case, the replay of the case, and the search under the run's seed."""
    found = judged(Run(1, 2.0, records=records_of(tmp_path, VIOLATED, status=1)), seed=7)
    assert (found.verdict, found.laws_held, found.unknown) == ("violated", 0, ())
    (alarm,) = found.false_alarms
    assert (alarm.law, alarm.family, alarm.case) == ("values/replay-equals-eager", "toy", "0badcafe")
    assert "python -m suite replay reports/out/seeds/7/cases/0badcafe.json" in alarm.reproduce


def test_doubts_are_never_green(tmp_path: Path) -> None:
    """An unknown law, a run stopped at its limit, one without records, and one whose exit status is odd."""
    unknown = judged(Run(1, 2.0, records=records_of(tmp_path / "a", UNKNOWN, status=1)), seed=0)
    stopped = judged(Run(None, 9.0, records=records_of(tmp_path / "b", HELD, status=None)), seed=0)
    lost = judged(Run(4, 1.0, records=None), seed=0)
    silent = judged(Run(0, 1.0, records=records_of(tmp_path / "c", None)), seed=0)
    odd = judged(Run(3, 1.0, records=records_of(tmp_path / "d", HELD)), seed=0)
    failed = judged(Run(1, 1.0, records=records_of(tmp_path / "e", HELD)), seed=0)
    found = (unknown, stopped, lost, silent, odd, failed)
    assert [each.verdict for each in found] == ["unknown"] * len(found)
    assert all(each.unknown for each in found)
    assert "stopped at its limit, after 9 seconds" in stopped.unknown
    assert unknown.unknown == ("values/replay-equals-eager on toy is unknown",)


def test_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts by verdict, false alarms, the wall time beside its target, a line of progress per run."""
    held, wrong = records_of(tmp_path / "a", HELD), records_of(tmp_path / "b", VIOLATED, status=1)
    runs = seeds.run_seeds((0, 1), lambda seed: Run(seed, 50.0, records=wrong if seed else held))
    found = seeds.summary_of(runs)
    assert {name: found[name] for name in ("runs", "holds", "violated", "unknown", "false_alarms", "cases")} == {
        "runs": 2,
        "holds": 1,
        "violated": 1,
        "unknown": 0,
        "false_alarms": 1,
        "cases": 6,
    }
    assert found["wall_seconds"] == {"value": 100.0, "target": 90.0, "meets": False}
    assert json.loads(json.dumps(found))["by_seed"][1]["false_alarms"][0]["case"] == "0badcafe"
    assert capsys.readouterr().err.splitlines() == [
        "seed 0: holds: 1 of 1 laws hold, 3 cases, 50.0 s (1 of 2)",
        "seed 1: violated: 0 of 1 laws hold, 3 cases, 50.0 s (2 of 2)",
    ]


@pytest.mark.parametrize(("law", "status", "wanted"), [(HELD, 0, 0), (VIOLATED, 1, 1), (UNKNOWN, 1, 1)])
def test_exit_status(
    law: Mapping[str, object], status: int, wanted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 only if every run held everything."""
    run = Run(status, 1.0, records=records_of(tmp_path, law, status=status))
    monkeypatch.setattr(seeds, "run_seed", lambda *_, **__: run)
    assert seeds.main(["--count", "2"]) == wanted
