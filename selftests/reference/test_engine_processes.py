"""Real worker processes: what they report arrives, and whatever they do, the start ends and none stays (SPEC T6)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from reference.compilation.config import CompilationConfig
from reference.engine.core import EngineCore
from reference.engine.errors import Cause, EngineConfigError, StartFailed, WorkerFailed
from reference.engine.place import WorkerFactory
from reference.engine.processes import Limits, MultiProcessExecutor
from selftests.house.sources import ROOT
from selftests.reference.engine_workers import FACTORY, children_of, wait_until, wait_until_gone

QUICK = Limits(start=20.0, call=20.0, end=2.0, settle=0.3)


NO_TRICKS: Mapping[str, str] = MappingProxyType({})


class Watched(MultiProcessExecutor):
    """Remembers its processes after they are gone; its clock can be made to behave as a user's Ctrl-C does."""

    is_interrupted = False

    def __init__(self, factory: WorkerFactory, *, limits: Limits) -> None:
        super().__init__(factory, config=CompilationConfig(), world_size=2, limits=limits, clock=self.read_clock)
        self.seen: list[int] = []

    def read_clock(self) -> float:
        """Seconds, or an interrupt."""
        if self.is_interrupted:
            self.is_interrupted = False
            raise KeyboardInterrupt
        return time.monotonic()

    def in_stage(self, stage: str, method: str) -> list[object]:
        """As ever; all processes were started before."""
        self.seen = self.pids
        return super().in_stage(stage, method)


def executor(*, limits: Limits = QUICK, tricks: Mapping[str, str] = NO_TRICKS, folder: str | None = None) -> Watched:
    """Two scripted ranks, with one maximum each; tricks by stage and rank."""
    factory = WorkerFactory(FACTORY, {"times": [[1.0, 6.0], [4.0, 2.0]], "tricks": dict(tricks), "cache_dir": folder})
    return Watched(factory, limits=limits)


@pytest.fixture(scope="module")
def ranks() -> Iterator[MultiProcessExecutor]:
    """Two ranks that started, for what leaves them alive."""
    with executor(limits=Limits(start=30.0, call=30.0), tricks={"echo-1": "raise"}) as started:
        EngineCore(started).start()
        yield started


def test_times_of_all_ranks_arrive(ranks: MultiProcessExecutor) -> None:
    """The maxima are written, and the slowest rank is known (BUG-T01)."""
    assert (ranks.config.compilation_time, ranks.config.encoder_compilation_time) == (4.0, 6.0)
    assert ranks.times.by_rank == ((1.0, 6.0), (4.0, 2.0))
    assert len(set(ranks.pids)) == 2
    assert os.getpid() not in ranks.pids


def test_a_call_that_raises_leaves_the_engine_alive(ranks: MultiProcessExecutor) -> None:
    """So does an answer that cannot be written; the rank is named."""
    with pytest.raises(WorkerFailed) as failure:
        ranks.call("echo", b"x" * 1_000_000)
    assert [(each.rank, each.cause) for each in failure.value.failures] == [(1, Cause.RAISED)]
    assert "in play" in failure.value.failures[0].traceback
    with pytest.raises(WorkerFailed, match="rank 0 raised TypeError: cannot pickle"):
        ranks.call("rubbish")
    assert [each["num_aot_loads"] for each in ranks.call("counters")] == [2, 2]  # type: ignore[index]  # it is a mapping
    with pytest.raises(EngineConfigError, match="has started already"):
        ranks.launch()


TROUBLES = {
    "build-1": ("die", "build", Cause.DIED, "was ended by SIGKILL"),
    "compile-0": ("raise", "compile", Cause.RAISED, "raised ValueError: planted"),
    "compile-1": ("flood", "compile", Cause.DIED, "ended with exit status 7"),
    "capture-0": ("exit", "capture", Cause.DIED, "ended with exit status 3"),
}


@pytest.mark.parametrize("where", TROUBLES)
def test_a_worker_that_dies_or_raises_fails_the_start(where: str) -> None:
    """With rank, stage and reason, long before the limit; both processes are gone."""
    trick, stage, cause, summary = TROUBLES[where]
    started = executor(tricks={where: trick})
    begin = time.monotonic()
    with pytest.raises(StartFailed) as failure:
        EngineCore(started).start()
    first = failure.value.failures[0]
    assert (first.rank, first.stage, first.cause, first.summary) == (int(where[-1]), stage, cause, summary)
    assert bool(first.traceback) == (cause is Cause.RAISED)
    assert time.monotonic() - begin < QUICK.start
    assert len(started.seen) == 2
    assert all(map(wait_until_gone, started.seen))
    assert started.config.compilation_time == 0.0


def test_a_death_explains_what_others_raise() -> None:
    """Both are told, and the rank that died is the one to look at."""
    with pytest.raises(StartFailed) as failure:
        EngineCore(executor(tricks={"compile-0": "raise", "compile-1": "die"})).start()
    assert [(each.rank, each.cause) for each in failure.value.failures] == [(1, Cause.DIED), (0, Cause.RAISED)]
    assert failure.value.rank == 1
    assert "Also failed: rank 0 raised ValueError: planted in stage 'compile'." in str(failure.value)


@pytest.mark.parametrize(("where", "trick"), [("build-0", "hang"), ("capture-1", "stop")])
def test_a_worker_that_hangs_fails_the_start(where: str, trick: str) -> None:
    """Within the limit, also if its process is stopped and can hear nothing."""
    started = executor(limits=Limits(start=3.0, end=2.0), tricks={where: trick})
    begin = time.monotonic()
    with pytest.raises(StartFailed, match="did not come back within 3 s in stage") as failure:
        EngineCore(started).start()
    assert time.monotonic() - begin < 6.0
    assert [(each.rank, each.cause) for each in failure.value.failures] == [(int(where[-1]), Cause.HUNG)]
    assert all(map(wait_until_gone, started.seen))


def test_an_interrupt_ends_all(tmp_path: Path) -> None:
    """Raised while the driver waits; nothing the workers started stays either."""
    started = executor()
    started.start()
    child = tmp_path / "pid"
    started.call("start_child", str(child))

    started.is_interrupted = True
    with pytest.raises(KeyboardInterrupt):
        started.compile_or_warm_up_model()
    assert all(map(wait_until_gone, [*started.seen, int(child.read_text())]))


def test_a_death_in_a_call_ends_the_others() -> None:
    """The dead rank is blamed; calls after that are refused."""
    started = executor(tricks={"echo-0": "die"})
    started.start()
    with pytest.raises(WorkerFailed, match="the call failed: rank 0 was ended by SIGKILL in stage 'echo'"):
        started.call("echo", 1)
    assert all(map(wait_until_gone, started.seen))
    with pytest.raises(EngineConfigError, match="call start"):
        started.call("echo", 1)


DRIVER = """
import sys
from reference.engine.core import EngineCore
from selftests.reference.test_engine_processes import executor
if __name__ == "__main__":
    EngineCore(executor(tricks={"compile-0": "tell-and-hang"}, folder=sys.argv[1])).start()
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_driver(ending: signal.Signals, tmp_path: Path) -> None:
    """Interrupted from outside, or killed without a chance to tidy up, while a rank is busy and the other one idle."""
    script, told = tmp_path / "driver.py", tmp_path / "told"
    script.write_text(DRIVER)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    command = [sys.executable, str(script), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as driver:
        assert wait_until(told.exists)
        busy, parent = map(int, told.read_text().split())
        idle = [pid for pid in children_of(parent) if pid != busy]
        driver.send_signal(ending)
        driver.wait(timeout=20)
    assert parent == driver.pid
    assert len(idle) == 2, "the other rank, and the tracker of multiprocessing"
    assert all(map(wait_until_gone, [busy, *idle]))


@pytest.mark.parametrize("value", [0, -1.0, True, float("nan"), float("inf"), "5"])
def test_a_limit_that_is_no_time_is_refused(value: object) -> None:
    """With its name and value."""
    with pytest.raises(EngineConfigError, match="is no time to wait: give finite seconds above 0"):
        Limits(call=value)  # type: ignore[arg-type]  # wrong types are tested
