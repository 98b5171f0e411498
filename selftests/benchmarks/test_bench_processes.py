"""Runs in processes of their own: environment, limits, stale records, peak memory."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.memory import peak_of
from benchmarks.pytest_run import environment, run, run_suite

SPAWNS = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(str(child.pid))
child.wait()
"""


def test_environment_is_what_tox_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's options for pytest do not count, and comments of `tox.ini` are no variables."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw7")
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")
    found = environment()
    assert found["PYTEST_ADDOPTS"].startswith("-p xdist")
    assert (found["OMP_NUM_THREADS"], found["PYTHONHASHSEED"]) == ("1", "0")
    assert found["PYTEST_XDIST_AUTO_NUM_WORKERS"] == "3"
    assert "PYTEST_XDIST_WORKER" not in found
    assert not [name for name in found if name.startswith("#") or " " in name]


def test_the_limit_ends_children_too(tmp_path: Path) -> None:
    """A run that overruns has no exit status, and nothing of it is left."""
    pid = tmp_path / "pid"
    done = run([sys.executable, "-c", SPAWNS, str(pid)], limit_seconds=1.5, log=tmp_path / "log")
    assert done.status is None
    assert 1.5 <= done.seconds < 30
    assert _ends(int(pid.read_text()), seconds=10)


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    """Both streams; exit status and CPU time are the command's."""
    words = "import sys; sum(range(10**7)); print('out'); print('err', file=sys.stderr); sys.exit(5)"
    done = run([sys.executable, "-c", words], limit_seconds=30, log=tmp_path / "log")
    assert done.status == 5
    assert done.cpu_seconds > 0.05
    assert sorted((tmp_path / "log").read_text().split()) == ["err", "out"]


def test_records_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    """A run that dies before it writes anything has no records, whatever lay in its folder."""
    (tmp_path / "cases").mkdir()
    for name in ("records.jsonl", "cases/0badcafe.json"):
        (tmp_path / name).write_text("{}")
    done = run_suite("--profile", "nonsense", report_dir=tmp_path, limit_seconds=60)
    assert (done.status, done.records) == (4, None)
    assert not list(tmp_path.glob("cases/*"))
    assert "no profile 'nonsense'" in (tmp_path / "pytest.txt").read_text()


def test_the_peak_is_the_commands_own(tmp_path: Path) -> None:
    """The measuring process holds torch, the command 64 MiB: only the latter is seen."""
    found = peak_of([sys.executable, "-c", "held = b'x' * (64 << 20)"], folder=tmp_path)
    assert found["exit_status"] == 0
    assert isinstance(found["peak_mebibytes"], float)
    assert 64 < found["peak_mebibytes"] < 110


def _ends(pid: int, *, seconds: float) -> bool:
    """Whether a process is gone within that time; a zombie is."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False
