"""What one process of the suite holds at its peak."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Figures
from benchmarks.pytest_run import pytest_command, run

LIMIT_SECONDS = 900.0


def memory() -> Figures:
    """Peak resident MiB of a single process that runs profile smoke, one reading."""
    with tempfile.TemporaryDirectory() as folder:
        command = pytest_command("-n", "0", "--profile", "smoke", f"--report-dir={folder}")
        return {"profile": "smoke", "workers": 0, **peak_of(command, folder=Path(folder))}


def peak_of(command: list[str], *, folder: Path) -> Figures:
    """The peak of a command whose children are counted one by one, its wall time and its exit status."""
    file = folder / "peak"
    measured = [sys.executable, "-m", "benchmarks.peak", str(file), *command]
    done = run(measured, limit_seconds=LIMIT_SECONDS, log=folder / "pytest.txt")
    return {
        "peak_mebibytes": float(file.read_text(encoding="ascii")) if file.exists() else None,
        "exit_status": done.status,
        "seconds": round(done.seconds, 1),
    }
