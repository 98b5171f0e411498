"""Runs that several tests look at, each made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftests.session.options import WRONG
from selftests.session.runs import ONE_LAW, PACKING, Ran, run, run_all

DISASTER = """
import os, signal, pytest

# Whoever starts the self-tests in the background hands on that interrupts are ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    if "smallest-budget@toy" in item.nodeid:
        os.kill(os.getpid(), signal.{signal})
"""


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Runs by name: every wrong option, a green one, one of a broken subject, one without a GPU, one of other tests."""
    wanted = {
        **{name: ["--collect-only", *options] for name, (options, _) in WRONG.items()},
        "green": PACKING,
        "broken": [*PACKING, "--subject", "fault:packing/largest-budget"],
        "cuda": [*ONE_LAW, "--device", "cuda"],
        "one whole model": ["--collect-only", "-q", "--family", "llama"],
        "other tests": ["selftests/house/test_floors.py", "-k", "cycle"],
    }
    return run_all(tmp_path_factory.mktemp("runs"), wanted)


def _disaster(folder: Path, *, signal: str, workers: str) -> Ran:
    (folder / "disaster.py").write_text(DISASTER.format(signal=signal))
    return run(folder / "report", *PACKING, "-n", workers, "-p", "disaster", plugins=folder)


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run that the user interrupts in the middle."""
    return _disaster(tmp_path_factory.mktemp("interrupted"), signal="SIGINT", workers="0")


@pytest.fixture(scope="session")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run one of whose two workers is killed in the middle."""
    return _disaster(tmp_path_factory.mktemp("killed"), signal="SIGKILL", workers="2")
