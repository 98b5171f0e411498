"""vLLM's startup benchmark over scripted starts: its command unmodified, with its own arguments (SPEC T8)."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from suite.contract.observed_start import Script, take_part
from suite.contract.startup import Ended, ShownRow
from suite.contract.startup_case import StartupCase
from suite.subjects.vllm.engine import imported, quietly
from suite.subjects.vllm.replaced import replaced

STARTUP = "vllm.benchmarks.startup"
INTERRUPTED = 130
"""The exit status of a program that an interrupt ends."""
METRICS = {
    "startup time": "startup",
    "compilation time": "compilation",
    "encoder compilation time": "encoder_compilation",
}
"""The benchmark's names of metrics, and the keys of SPEC T8; it does not tell how long the engine's part took."""
_PHASE = re.compile(r"^(COLD|WARM) STARTUP:$")
_AVERAGE = re.compile(r"^Avg (.+): (\S+) seconds$")
_TITLE = re.compile(r"^(.+) percentiles:$")
_PERCENTILE = re.compile(r"^  \d+%: (\S+) seconds$")


@cache
def command() -> ModuleType | None:
    """The module of the release's benchmark; None if it tells no encoder's seconds."""
    with quietly():
        startup = imported(STARTUP)
    return startup if hasattr(startup, "_ENCODER_METRIC") else None


class EngineOptions:
    """What stands for the engine's arguments, of which a scripted start reads none."""

    @staticmethod
    def add_cli_args(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        """The one that the benchmark's own texts name."""
        parser.add_argument("--model")
        return parser

    @staticmethod
    def from_cli_args(arguments: argparse.Namespace) -> argparse.Namespace:
        """As they are."""
        return arguments


class _Queue:
    """A queue that nobody waits at."""

    def __init__(self) -> None:
        self._waiting: deque[object] = deque()

    def put(self, each: object) -> None:
        """One more."""
        self._waiting.append(each)

    def get(self) -> object:
        """The first."""
        return self._waiting.popleft()

    def empty(self) -> bool:
        """Whether there is none."""
        return not self._waiting


class Here:
    """What stands for processes: each start runs in this one, when it is started, at a clock of its own."""

    Queue = _Queue

    def __init__(self, script: Script) -> None:
        self._script = script
        self._seconds = 0.0

    def set_start_method(self, method: str, force: bool = False) -> None:
        """Nothing is started."""

    def Process(self, target: Callable[..., None], args: tuple[object, ...]) -> object:  # noqa: N802 - the standard library's name
        """One start."""

        def start() -> None:
            self._seconds = 0.0
            target(*args)

        return SimpleNamespace(start=start, join=lambda: None)

    def perf_counter(self) -> float:
        """Seconds since this start began."""
        return self._seconds

    def from_engine_args(self, arguments: object) -> object:
        """What stands for an engine: it says what the script says, with the cache that the benchmark gave it.

        Raises:
            PlantedFailure: it is the one that fails.
        """
        cache_root = Path(os.environ["VLLM_CACHE_ROOT"])
        cache_root.mkdir(parents=True, exist_ok=True)
        answer = take_part(self._script, cache_root)
        self._seconds = answer["startup"] / 1_000_000
        counters = SimpleNamespace(
            compilation_time=answer["language_model"] / 1_000_000,
            encoder_compilation_time=answer["encoder"] / 1_000_000,
        )
        return SimpleNamespace(llm_engine=SimpleNamespace(vllm_config=SimpleNamespace(compilation_config=counters)))


def benchmark(case: StartupCase, script: Script, startup: Any) -> Ended:  # noqa: ANN401 - the engine's own module
    """The command as a user gives it, but for what a start is, who measures it, and where the user's cache is."""
    wishes = [f"--num-iters-cold={len(case.cold)}", f"--num-iters-warm={len(case.warm)}", "--model=toy"]
    out = io.StringIO()
    with _starts_here(startup, script), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        parser = startup.add_cli_args(argparse.ArgumentParser())
        arguments = parser.parse_args([*wishes, "--num-iters-warmup=1", f"--output-json={script.result}"])
        status = _status(startup.main, arguments, out)
    return Ended(status=status, text=out.getvalue(), rows=rows_of(out.getvalue()))


def _status(main: Callable[[object], None], arguments: object, out: io.StringIO) -> int:
    try:
        main(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except RuntimeError as error:  # as the benchmark tells of a start that failed
        out.write(f"\nRuntimeError: {error}\n")
        return 1
    return 0


@contextlib.contextmanager
def _starts_here(startup: ModuleType, script: Script) -> Iterator[None]:
    here = Here(script)
    package = vars(imported("vllm"))
    users = {"VLLM_CACHE_ROOT": str(Path(script.log).parent / "user")}
    with (
        mock.patch.dict(os.environ, users),
        mock.patch.dict(package, {"LLM": here}),
        replaced(startup, "multiprocessing", here),
        replaced(startup, "time", here),
        replaced(startup, "EngineArgs", EngineOptions),
    ):
        yield


def rows_of(text: str) -> tuple[ShownRow, ...]:
    """The statistics that are printed: of each phase the averages, then the percentiles of each metric."""
    phase, title = "", ""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if begun := _PHASE.match(line):
            phase = begun[1].lower()
        elif average := _AVERAGE.match(line):
            found.setdefault(_key(phase, average[1]), []).insert(0, average[2])
        elif named := _TITLE.match(line):
            title = _key(phase, named[1].lower())
        elif number := _PERCENTILE.match(line):
            found.setdefault(title, []).append(number[1])
    return tuple(ShownRow(key, tuple(numbers)) for key, numbers in found.items())


def _key(phase: str, name: str) -> str:
    return f"{phase}_{METRICS.get(name, name)}"
