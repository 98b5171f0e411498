"""Scripted starts write down what they find, in this process and in others, and import nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from selftests.house.sources import ROOT
from suite.contract.observed_start import (
    PROCESS,
    TORCH_CACHES,
    PlantedFailure,
    Script,
    left_behind,
    seen_starts,
    take_part,
)


def script(tmp_path: Path, count: int = 3) -> Script:
    """So many starts, which say their places."""
    answers = tuple({"startup": place} for place in range(count))
    return Script(answers, log=str(tmp_path / "log"), result=str(tmp_path / "result"))


def folder(tmp_path: Path, name: str) -> Path:
    """An empty folder."""
    made = tmp_path / name
    made.mkdir()
    return made


def test_starts_see_what_earlier_ones_left(tmp_path: Path) -> None:
    """Marks by place, other things by name, and the file of results as it was."""
    given, one, other = script(tmp_path), folder(tmp_path, "one"), folder(tmp_path, "other")
    assert take_part(given, one) == {"startup": 0}
    (one / "program").touch()
    Path(given.result).write_text("{}")
    assert take_part(given, other) == {"startup": 1}
    assert take_part(given, one) == {"startup": 2}
    seen = seen_starts(given)
    assert [(each.found, each.others, each.result) for each in seen] == [
        ((), (), None),
        ((), (), "{}"),
        ((0,), ("program",), "{}"),
    ]
    assert [Path(each.cache).name for each in seen] == ["one", "other", "one"]
    assert {each.process for each in seen} == {PROCESS}


def test_a_start_that_fails_leaves_no_mark(tmp_path: Path) -> None:
    """It is written down, and the next one is the next."""
    given, cache = replace(script(tmp_path), failing=0), folder(tmp_path, "cache")
    with pytest.raises(PlantedFailure, match="planted in start 0"):
        take_part(given, cache)
    assert take_part(given, cache) == {"startup": 1}
    with pytest.raises(KeyboardInterrupt):
        take_part(replace(given, failing=2, how="interrupted"), cache)
    assert [each.found for each in seen_starts(given)] == [(), (), (1,)]


def test_a_start_too_many_fails(tmp_path: Path) -> None:
    """It is seen all the same."""
    given, cache = script(tmp_path, count=0), folder(tmp_path, "cache")
    with pytest.raises(PlantedFailure, match="start 0 was not asked for: there are 0"):
        take_part(given, cache)
    assert len(seen_starts(given)) == 1


def test_torchs_caches_are_inside_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not given, beside the folder, and a folder whose name begins alike are all outside."""
    given, cache = script(tmp_path, count=4), folder(tmp_path, "cache")
    one, other = TORCH_CACHES
    monkeypatch.delenv(other, raising=False)
    for place in (str(cache / "inner"), f"{cache}-other/inner", str(tmp_path)):
        monkeypatch.setenv(one, place)
        take_part(given, cache)
    monkeypatch.setenv(other, str(cache / "inner"))
    take_part(given, cache)
    assert [each.outside for each in seen_starts(given)] == [(other,), (one, other), (one, other), (one,)]


def test_what_is_left_behind_is_tidied_if_it_is_ours(tmp_path: Path) -> None:
    """Marks go, and a folder that has nothing else; what anybody else wrote stays."""
    given, ours, theirs = script(tmp_path), folder(tmp_path, "ours"), folder(tmp_path, "theirs")
    (theirs / "program").touch()
    for cache in (ours, theirs):
        take_part(given, cache)
    assert left_behind(ours)
    assert left_behind(theirs)
    assert not ours.exists()
    assert [path.name for path in theirs.iterdir()] == ["program"]
    assert not left_behind(ours)


def test_a_script_survives_its_json(tmp_path: Path) -> None:
    """Another process has the same one."""
    given = replace(script(tmp_path), failing=1, how="dies", full=2)
    assert Script.from_json(given.as_json()) == given


def test_a_process_for_a_start_is_light() -> None:
    """Torch would take seconds, and there are five of them in one case."""
    code = "import sys, suite.subjects.scripted_start; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
