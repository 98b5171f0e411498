"""Work in forked processes: held where it should be, told from one that dies, and never left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from suite.contract.processes import ProcessDied, working

LONG = 20.0


def _writes(folder: Path) -> Callable[[], int]:
    """Three steps: a folder, a file, another name for it."""

    def work() -> int:
        (folder / "made").mkdir()
        (folder / "made" / "file").write_text("text")
        (folder / "made" / "file").rename(folder / "made" / "other")
        return os.getpid()

    return work


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_answer_comes_back(tmp_path: Path) -> None:
    """From another process, with the number of its steps; steps elsewhere do not count."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    with working(_writes(tmp_path / "in"), folder=tmp_path / "in") as worker:
        done = worker.finish(LONG)
    assert done.steps == 3
    assert done.answer != os.getpid()
    with working(_writes(tmp_path / "out"), folder=tmp_path / "in") as worker:
        assert worker.finish(LONG).steps == 0


@pytest.mark.parametrize("hold", [1, 2, 3])
def test_a_process_is_held_before_a_step(hold: int, tmp_path: Path) -> None:
    """What comes before is done, what comes after is not, until it may go on."""
    with working(_writes(tmp_path), folder=tmp_path, hold=hold) as worker:
        assert worker.wait(LONG)
        assert worker.is_held
        assert _names(tmp_path) == [[], ["made"], ["made", "made/file"]][hold - 1]
        worker.finish(LONG)
    assert _names(tmp_path) == ["made", "made/other"]


def test_a_place_that_is_never_reached_holds_nobody(tmp_path: Path) -> None:
    """The process is done."""
    with working(_writes(tmp_path), folder=tmp_path, hold=4) as worker:
        assert worker.wait(LONG)
        assert not worker.is_held
        assert worker.finish(0.0).steps == 3


def test_memory_is_the_process_own(tmp_path: Path) -> None:
    """What it changes, it changes for itself; it computes with one thread and sees no CUDA."""
    kept: list[int] = []

    def work() -> tuple[float, int, bool]:
        kept.append(1)
        total = float((torch.ones(400, 400) @ torch.ones(400, 1)).sum())
        return total, torch.get_num_threads(), torch.cuda.is_available()

    with working(work, folder=tmp_path) as worker:
        assert worker.finish(LONG).answer == (160000.0, 1, False)
    assert kept == []


@pytest.mark.parametrize(
    ("end", "words"),
    [(lambda: os._exit(3), "ended with exit status 3"), (lambda: os.kill(os.getpid(), signal.SIGKILL), "by SIGKILL")],
)
def test_a_death_is_told(end: Callable[[], None], words: str, tmp_path: Path) -> None:
    """As what it was."""
    with working(end, folder=tmp_path) as worker, pytest.raises(ProcessDied, match=words):
        worker.finish(LONG)


def test_what_hangs_is_ended(tmp_path: Path) -> None:
    """It is told, and no process is left."""

    def hang() -> None:
        (tmp_path / "process").write_text(str(os.getpid()))
        time.sleep(1000)

    with working(hang, folder=tmp_path, hold=2) as worker:
        assert not worker.wait(0.3)
        with pytest.raises(ProcessDied, match="did not come back within 0 s"):
            worker.finish(0.0)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "process").read_text()), 0)


def test_an_exception_of_the_work_is_no_death(tmp_path: Path) -> None:
    """Its traceback comes back."""

    def work() -> None:
        raise ValueError("planted")

    with working(work, folder=tmp_path) as worker, pytest.raises(RuntimeError, match="ValueError: planted"):
        worker.finish(LONG)


def test_an_answer_that_cannot_be_sent_is_no_death(tmp_path: Path) -> None:
    """The text says why."""
    with working(lambda: lambda: None, folder=tmp_path) as worker, pytest.raises(RuntimeError, match="pickle"):
        worker.finish(LONG)
