"""Runs one start in a fresh process with a cache of its own, and ends it when it takes too long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from reference.startup_benchmark.facts import BadFacts, Facts, Wish

ROOT = Path(__file__).resolve().parents[2]
MODULE = "reference.startup_benchmark.start"
CACHES = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton"}
"""Caches that torch keeps for all programs of a user; a start that shares them is not cold."""
OUTPUT_BYTES = 4000
"""Of the end of what a failing process wrote."""


class StartTrouble(RuntimeError):
    """A start failed: `str()` is the reason, `output` the end of what its process wrote."""

    def __init__(self, reason: str, output: str) -> None:
        super().__init__(reason)
        self.output = output


@dataclass(frozen=True, kw_only=True)
class FreshProcess:
    """Makes starts, one process each."""

    grace: float = 10.0
    """Seconds between asking a process to end and ending it; again as many above the limit of the start itself."""
    module: str = MODULE

    def start(self, wish: Wish, cache: Path) -> Facts:
        """One start with that folder as its cache.

        Raises:
            StartTrouble: it failed, took too long, or left no readable facts.
        """
        with tempfile.TemporaryDirectory(prefix="lockstep-start-") as folder:
            result = Path(folder) / "facts.json"
            with (Path(folder) / "output").open("w+b") as output:
                ended = self.run([wish.as_json(), str(cache), str(result)], cache, wish.seconds, output)
                said = tail_of(output)
            if not result.exists():
                raise StartTrouble(ended, said)
            try:
                return Facts.from_json(result.read_text())
            except BadFacts as error:
                raise StartTrouble(str(error), said) from error

    def run(self, arguments: list[str], cache: Path, seconds: float, output: IO[bytes]) -> str:
        """Runs the process to its end; how that was, in words."""
        child = subprocess.Popen(
            [sys.executable, "-m", self.module, *arguments],
            # Nothing is written to it: its end tells the process that nobody waits for it any more.
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env=self.environment(cache),
            start_new_session=True,
        )
        try:
            status = child.wait(timeout=seconds + self.grace)
        except subprocess.TimeoutExpired:
            self.end(child)
            return f"did not come back within {seconds:g} s"
        except BaseException:
            self.end(child)
            raise
        finally:
            cast(IO[bytes], child.stdin).close()
        if status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended with exit status {status} and no measurement"

    def environment(self, cache: Path) -> Mapping[str, str]:
        """The caller's, with torch's caches inside the iteration's."""
        return {**os.environ, **{name: str(cache / inner) for name, inner in CACHES.items()}}

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Asks it to end its workers and itself, then ends the group."""
        child.terminate()
        try:
            child.wait(timeout=self.grace)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def tail_of(output: IO[bytes]) -> str:
    """The end of what was written."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - OUTPUT_BYTES))
    return output.read().decode(errors="replace").strip()
