"""What a user waits for: profiles, collection, and what a second worker saves; each in a process of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measure import Effort, Figures
from benchmarks.pytest_run import Run, pytest_command, run, run_suite
from reports.records import Records
from reports.tables import place

LIMIT_SECONDS = 1800.0
SUBSET = ("--profile", "seeds", "--seed", "0")
"""About a minute in one process: every law at smoke's counts, no faults."""
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
NO_NETWORK: dict[str, str] = dict.fromkeys(PROXIES, "http://127.0.0.1:9")
"""A proxy that nobody answers, so that whatever asks the network fails at once."""


def suite(effort: Effort) -> Figures:
    """Wall seconds, one reading each; profile premerge and the speed-up only with `full`."""
    found: Figures = {"collection": collection(), "smoke": profile("smoke")}
    if effort.full:
        found["premerge"] = profile("premerge")
        found["two_workers"] = speed_up(*SUBSET)
    return found


def profile(name: str) -> Figures:
    """One run of a profile with as many workers as tox gives it."""
    done = _run("-n", "auto", "--profile", name)
    return {**_outcome(done), "slowest": None if done.records is None else slowest(done.records)}


def collection() -> Figures:
    """Collecting every test of profile premerge, without a network."""
    with tempfile.TemporaryDirectory() as folder:
        command = pytest_command("--collect-only", "-q", "--profile", "premerge")
        done = run(command, limit_seconds=LIMIT_SECONDS, log=Path(folder) / "pytest.txt", variables=NO_NETWORK)
    return _outcome(done)


def speed_up(*options: str) -> Figures:
    """The same tests in one process and in two workers, and the ratio."""
    alone, together = _run("-n", "0", *options), _run("-n", "2", *options)
    return {
        "options": " ".join(options),
        "one_process": _outcome(alone),
        "two_workers": _outcome(together),
        "speed_up": round(alone.seconds / together.seconds, 2),
    }


def slowest(records: Records) -> Figures:
    """The test that took longest, by its own record."""
    laws: list[tuple[float, str]] = [
        (law.seconds, f"{law.law} on {place(law.family, law.column)}") for law in records.laws
    ]
    faults = [(fault.seconds, f"fault {fault.fault}") for fault in records.faults]
    seconds, test = max(laws + faults, default=(0.0, "none"))
    return {"test": test, "seconds": round(seconds, 2)}


def _run(*options: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        return run_suite(*options, report_dir=Path(folder), limit_seconds=LIMIT_SECONDS)


def _outcome(done: Run) -> Figures:
    return {"seconds": round(done.seconds, 1), "cpu_seconds": round(done.cpu_seconds, 1), "exit_status": done.status}
