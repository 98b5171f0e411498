"""One start of the engine, in the process that was made for it: `python -m reference.startup_benchmark.start`."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from reference.compilation.config import CompilationConfig
from reference.engine.core import EngineCore, Started
from reference.engine.executor import Executor, InProcessExecutor
from reference.engine.place import WorkerFactory
from reference.engine.processes import Limits, MultiProcessExecutor
from reference.startup_benchmark.facts import COUNTED, Facts, Wish

GRACE = 5.0
"""Seconds for a way out without a kill."""
LOADED = ("num_aot_loads", "num_artifacts_loaded")


def executor_of(wish: Wish, cache: Path) -> Executor:
    """One rank runs in this process, several in processes of their own."""
    factory = WorkerFactory(wish.factory, {**wish.arguments, "cache_dir": str(cache)})
    config = CompilationConfig()
    if wish.world_size == 1:
        return InProcessExecutor(factory, config=config)
    limits = Limits(start=wish.seconds)
    return MultiProcessExecutor(factory, config=config, world_size=wish.world_size, limits=limits)


def measured(wish: Wish, cache: Path) -> Facts:
    """Starts the engine once and ends it again.

    Raises:
        StartFailed: it did not start.
    """
    with executor_of(wish, cache) as executor:
        core = EngineCore(executor)
        started = core.start()
        return facts_of(started, core, executor.call("counters"))


def facts_of(started: Started, core: EngineCore, counters: Sequence[object]) -> Facts:
    """What is kept of a start."""
    times = core.counters()
    return Facts(
        seconds=started.seconds,
        init_seconds=started.init_seconds,
        compilation=times.language_model,
        encoder_compilation=times.encoder,
        compiles=_sum(counters, COUNTED),
        loads=_sum(counters, LOADED),
        lines=tuple(each.line for each in started.said),
    )


def _sum(counters: Sequence[object], names: Sequence[str]) -> int:
    return sum(cast(dict[str, int], each).get(name, 0) for each in counters for name in names)


def _end(number: int, _: object) -> None:
    # An exception, so that workers are ended on the way out.
    sys.exit(128 + number)


def _end_with_caller() -> None:
    """Ends this process and its workers when whoever made it is gone, killed perhaps."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


def main(arguments: Sequence[str]) -> None:
    """Reads the wish and the folders from the command line; the facts go to a file, as a whole or not at all."""
    signal.signal(signal.SIGTERM, cast(Any, _end))
    threading.Thread(target=_end_with_caller, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    wish, cache, result = Wish.from_json(arguments[0]), Path(arguments[1]), Path(arguments[2])
    facts = measured(wish, cache)
    unfinished = result.with_suffix(".part")
    unfinished.write_text(json.dumps(facts.as_data(), allow_nan=False))
    unfinished.replace(result)


if __name__ == "__main__":
    main(sys.argv[1:])
