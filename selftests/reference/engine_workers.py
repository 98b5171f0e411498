"""Workers that do what they are told and import no torch: their processes are there in a blink."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reference.engine.place import BUILD, CAPTURE, COMPILE, Place
from reference.engine.times import CompilationTimes

TELL = "tell-and-hang"
FACTORY = f"{__name__}:worker"
BAD_FACTORY = f"{__name__}:nobody"


def _raise() -> None:
    raise ValueError("planted\nwith a second line")


def _hang() -> None:
    threading.Event().wait()


def _flood() -> None:
    sys.stderr.write("x" * 100_000)
    os._exit(7)


TRICKS: Mapping[str, Callable[[], None]] = {
    "raise": _raise,
    "die": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(3),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "hang": _hang,
    TELL: _hang,
    "flood": _flood,
}
"""What a planted worker does instead of its work."""


class ScriptedWorker:
    """Returns the seconds that it is given for its rank, and plays its tricks on the way."""

    def __init__(
        self, place: Place, *, times: Sequence[Sequence[object]], tricks: Mapping[str, str], folder: Path
    ) -> None:
        self.place = place
        self.times = times
        self.tricks = tricks
        self.folder = folder
        self.play(BUILD)

    def play(self, stage: str) -> None:
        """The trick that is planted for this rank in that stage, if any."""
        trick = self.tricks.get(f"{stage}-{self.place.rank}")
        if trick == TELL:
            self.tell()
        if trick is not None:
            TRICKS[trick]()

    def tell(self) -> None:
        """Writes the ids of this process and of its parent, as a whole, into the cache."""
        unfinished = self.folder / "telling"
        unfinished.write_text(f"{os.getpid()} {os.getppid()}")
        unfinished.replace(self.folder / "told")

    def compile_or_warm_up_model(self) -> CompilationTimes:
        """Both stages, then the seconds."""
        self.play(COMPILE)
        self.place.enter(CAPTURE)
        self.play(CAPTURE)
        pair = self.times[self.place.rank] if self.times else (0.0, 0.0)
        return CompilationTimes(*pair)  # type: ignore[arg-type]  # wrong types are tested

    def counters(self) -> dict[str, int]:
        """One compile if there were any seconds."""
        return {"num_aot_compiles": int(any(map(any, self.times))), "num_aot_loads": 2}

    def echo(self, what: object) -> object:
        """Rank and what was sent, after the trick planted for calls."""
        self.play("echo")
        return self.place.rank, what

    def start_child(self, path: str) -> None:
        """A process of the worker's own, whose id goes to a file; it would live for long."""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        Path(path).write_text(str(child.pid))

    def rubbish(self) -> object:
        """An answer that cannot be written."""
        return threading.Lock()

    def shutdown(self) -> None:
        """The trick planted for the end."""
        self.play("shutdown")


def worker(
    place: Place,
    *,
    times: Sequence[Sequence[object]] = (),
    tricks: Mapping[str, str] | None = None,
    cache_dir: str | None = None,
    cold: float = 0.0,
) -> ScriptedWorker:
    """A scripted worker. With a `cache_dir`, it spends `cold` seconds on its encoder unless the folder is filled."""
    if cache_dir is not None and cold:
        mark = Path(cache_dir) / f"filled-{place.rank}"
        times = [(0.0, 0.0 if mark.exists() else cold)] * place.world_size
        mark.touch()
    return ScriptedWorker(place, times=times, tricks=tricks or {}, folder=Path(cache_dir or "."))


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, as Linux tells."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def wait_until(holds: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    """Whether it holds in time."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def wait_until_gone(pid: int) -> bool:
    """Whether the process is gone in time."""
    return wait_until(lambda: not is_alive(pid), seconds=10.0)
