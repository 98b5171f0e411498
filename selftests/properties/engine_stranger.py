"""An engine that is not the reference's: workers side by side on paper, or real processes that are polled.

It shares no code with the reference. What it does in one line, a test may do wrongly in one line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from models.api import Family
from suite.contract.case import Setup
from suite.contract.engine import RankSeen, StartSeen, Told
from suite.contract.engine_case import EngineCase, EngineStart, RankScript
from suite.contract.subject import Capabilities, Session
from suite.contract.timeline import Counters

STARTS = Capabilities(engine=True, engine_processes=True, names_slowest_rank=True)
NAMES = ("language_model", "encoder")
Pair = tuple[float, float]
TRACE = 'File "worker.py", line 1, in planted_trouble\nValueError: this failure was planted'
TOOK = "init engine (profile, create kv cache, warmup model) took %.2f s"
WORKER = """
import json, os, signal, subprocess, sys, time
script = json.loads(sys.argv[1])
trouble = script["trouble"] or {}
if script["has_child"]:
    subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(300)"])
def planted_trouble():
    raise ValueError("this failure was planted")
ways = {
    "raises": planted_trouble, "exits": lambda: os._exit(3), "dies": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hangs": lambda: time.sleep(300), "stops": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}
for stage in ("build", "compile", "capture"):
    print(stage, flush=True)
    if trouble.get("stage") == stage and trouble["what"] in ways:
        ways[trouble["what"]]()
print("rubbish" if trouble else "fine", flush=True)
"""


def own(script: RankScript) -> Pair:
    """Seconds that one rank compiled, by component."""
    full = [each for each in script.compiles if script.mode == "full"]
    one, other = (sum(each.microseconds for each in full if each.component == name) / 1e6 for name in NAMES)
    return one, other


@dataclass
class Process:
    """One worker that was started."""

    popen: subprocess.Popen[bytes]
    said: Path

    @property
    def words(self) -> list[str]:
        """What it said so far: its stages, and how it is in the end."""
        return self.said.read_text().split()


class Engine:
    """Starts over the scripts of a case; counters and clock are kept from start to start."""

    def __init__(self) -> None:
        self.counters: Pair = (0.0, 0.0)
        self.clock = 5000.0

    def start(self, start: EngineStart, case: EngineCase) -> StartSeen:
        """One start."""
        began = time.monotonic()
        told = self.in_processes(start) if case.in_processes else self.failures(start)
        seen = () if case.in_processes else tuple(self.seen(rank, start) for rank in range(len(start.ranks)))
        lines = self.lines(start, seen) if not told else self.lines_of_failure(start)
        return StartSeen(
            counters=Counters(*self.counters),
            lines=tuple(lines),
            error=self.error(start, told) if told else None,
            told=tuple(told),
            seconds=time.monotonic() - began,
            ranks=seen,
        )

    def failures(self, start: EngineStart) -> list[Told]:
        """The ranks that fail on paper."""
        planted = [(rank, start.ranks[rank].trouble) for rank in start.troubled]
        return [Told(rank, trouble.stage) for rank, trouble in planted if trouble is not None]

    def error(self, start: EngineStart, told: Sequence[Told]) -> str:
        """The text of a failure."""
        return f"rank {told[0].rank} failed in {told[0].stage}: {TRACE}"

    def reported(self, script: RankScript) -> Pair:
        """What a worker reports."""
        return own(script)

    def seen(self, rank: int, start: EngineStart) -> RankSeen:
        """A worker that begins when the last model is built, and needs its own time alone."""
        script = start.ranks[rank]
        asked = self.clock + max(each.build for each in start.ranks) / 1e6
        work = script.other + sum(each.microseconds for each in script.compiles)
        return RankSeen(
            calls=self.calls(rank, start), asked=asked, answered=asked + work / 1e6, reported=self.reported(script)
        )

    def calls(self, rank: int, start: EngineStart) -> tuple[str, ...]:
        """What a worker is asked."""
        return ("build", "compile_or_warm_up_model", "shutdown")

    def lines(self, start: EngineStart, seen: Sequence[RankSeen]) -> list[str]:
        """Counts and logs a start that succeeded."""
        pairs = [self.reported(script) for script in start.ranks]
        self.counters = self.counted(pairs)
        asked = min((each.asked or 0.0 for each in seen), default=0.0)
        took = self.took(start, max((each.answered or 0.0 for each in seen), default=0.0) - asked)
        self.clock += 1000.0
        return [self.line(took), *self.slowest(pairs)]

    def took(self, start: EngineStart, wall: float) -> float:
        """Seconds of the whole, for the line."""
        return wall

    def counted(self, pairs: Sequence[Pair]) -> Pair:
        """The driver's counters."""
        return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)

    def line(self, took: float) -> str:
        """The line on the start."""
        language_model, encoder = self.counters
        total = f" (compilation: {language_model + encoder:.2f} s"
        if encoder:
            return TOOK % took + f"{total} — language_model: {language_model:.2f} s, encoder: {encoder:.2f} s)"
        return TOOK % took + (f"{total})" if language_model else "")

    def slowest(self, pairs: Sequence[Pair]) -> list[str]:
        """What is said of the slowest rank, always."""
        rank = max(range(len(pairs)), key=lambda each: sum(pairs[each]))
        return [f"slowest to compile was rank {rank}, with {sum(pairs[rank]):.2f} s"]

    def lines_of_failure(self, start: EngineStart) -> list[str]:
        """What is logged of a start that failed."""
        return ["the engine did not start"]

    def in_processes(self, start: EngineStart) -> list[Told]:
        """Runs every worker in a process, and ends whatever is left of them."""
        with tempfile.TemporaryDirectory() as folder:
            processes = [self.spawned(rank, script, Path(folder)) for rank, script in enumerate(start.ranks)]
            try:
                return self.waited(processes, start.limit)
            finally:
                self.ended(processes)

    def spawned(self, rank: int, script: RankScript, folder: Path) -> Process:
        """A process that leads a group of its own and writes where it is."""
        said = folder / str(rank)
        with said.open("wb") as out:
            command = [sys.executable, "-I", "-S", "-c", WORKER, json.dumps(asdict(script))]
            popen = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True)
        return Process(popen, said)

    def waited(self, processes: Sequence[Process], limit: int) -> list[Told]:
        """Looks after all of them until one fails, all are done, or time is up."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            codes = [each.popen.poll() for each in processes]
            if any(codes) or None not in codes:
                break
            time.sleep(0.01)
        bad = [rank for rank, each in enumerate(processes) if each.popen.poll() or each.words[-1:] != ["fine"]]
        # One that ended badly explains those that are not done yet.
        first = min(bad, key=lambda rank: processes[rank].popen.poll() is None, default=None)
        return [] if first is None else [Told(first, (processes[first].words or ["build"])[-1])]

    def ended(self, processes: Sequence[Process]) -> None:
        """Ends all of them, with what they started."""
        for each in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.popen.pid, signal.SIGKILL)
            each.popen.wait()


class Stranger:
    """A subject that only starts engines."""

    name = "stranger"
    version = "1"

    def __init__(self, engine: Callable[[], Engine] = Engine) -> None:
        self.capabilities = STARTS
        self._engine = engine

    def run_engine(self, case: EngineCase) -> list[StartSeen]:
        """Every start of the case."""
        engine = self._engine()
        return [engine.start(start, case) for start in case.starts]

    def start(self, family: Family, setup: Setup) -> Session:
        """Not among its capabilities."""
        raise NotImplementedError

    def missing_method(self, family: Family, method: str) -> None:
        """Not among its capabilities."""
        raise NotImplementedError

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """Not among its capabilities."""
        raise NotImplementedError

    def methods(self) -> tuple[str, ...]:
        """Not among its capabilities."""
        raise NotImplementedError
