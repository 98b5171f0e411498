"""Runs of the suite in processes of their own: the environment that tox gives, a time limit, no orphans."""

from __future__ import annotations

import configparser
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports.records import Records, read
from reports.validation import RecordError

ROOT = Path(__file__).resolve().parents[1]
KEPT = "PYTEST_XDIST_AUTO_NUM_WORKERS"
"""The one variable of pytest's that a run takes from the caller."""


@dataclass(frozen=True)
class Run:
    """What became of one process."""

    status: int | None
    """Exit status; None if it was stopped at its limit."""
    seconds: float
    """On the wall."""
    cpu_seconds: float = 0.0
    """User and system, of the process and those of its children that it waited for."""
    records: Records | None = None
    """None if the process left none, or none that can be read."""


def environment() -> dict[str, str]:
    """The caller's variables, with what `tox.ini` sets in place of pytest's own: both ways run the same thing."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    lines = tox["testenv"]["set_env"].splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    ours = {name.strip(): value.strip() for name, value in pairs}
    callers = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") or name == KEPT}
    return {**callers, **ours}


def pytest_command(*options: str) -> list[str]:
    """`python -m pytest` with these options, leaving no cache behind."""
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]


def run(command: Sequence[str], *, limit_seconds: float, log: Path, variables: Mapping[str, str] | None = None) -> Run:
    """Runs the command from the repository's root, with further variables; what it prints goes to `log`.

    At the limit the process is killed with all its children.
    """
    started, cpu = time.monotonic(), _cpu_seconds_of_children()
    with log.open("wb") as output:
        # A session of its own: the workers of pytest-xdist can be killed with it.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment(), **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _kill(process)
    return Run(status, time.monotonic() - started, _cpu_seconds_of_children() - cpu)


def run_suite(*options: str, report_dir: Path, limit_seconds: float) -> Run:
    """Runs pytest on the suite with its records in `report_dir`; what it prints is `pytest.txt` there.

    A relative folder is below the repository's root. The records of an earlier run are removed first: a run that
    dies early must not be judged by them.
    """
    folder = ROOT / report_dir
    records = folder / "records.jsonl"
    for stale in (records, *folder.glob("cases/*.json")):
        stale.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    # With "=", or pytest would take an existing folder for a place to look for its settings.
    command = pytest_command(*options, f"--report-dir={report_dir}")
    done = run(command, limit_seconds=limit_seconds, log=folder / "pytest.txt")
    return replace(done, records=_read(records))


def _cpu_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and its children if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(path: Path) -> Records | None:
    try:
        return read(path)
    except (OSError, RecordError):
        return None
