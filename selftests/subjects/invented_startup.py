"""A startup benchmark of our own in the forms of vLLM's, which the adapter calls: a module with its names.

It tells its times in one line, and files nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from argparse import Namespace as EngineArgs
from typing import Any
from unittest import mock

__all__ = ["EngineArgs", "add_cli_args", "main", "multiprocessing", "time"]


def add_cli_args(parser: ArgumentParser) -> ArgumentParser:
    """Its arguments, and those of an engine."""
    for name in ("--num-iters-cold", "--num-iters-warm", "--num-iters-warmup"):
        parser.add_argument(name, type=int)
    parser.add_argument("--output-json")
    found: ArgumentParser = _named("EngineArgs").add_cli_args(parser)
    return found


def _named(name: str) -> Any:  # noqa: ANN401 - whatever has the name now
    return globals()[name]


def _in_process(arguments: object, queue: Any) -> None:  # noqa: ANN401 - as the standard library's
    try:
        began = time.perf_counter()
        engine = vars(sys.modules["vllm"])["LLM"].from_engine_args(arguments)
        ended = time.perf_counter()
        counters = engine.llm_engine.vllm_config.compilation_config
        queue.put((ended - began, counters.compilation_time, counters.encoder_compilation_time))
    except Exception as error:
        queue.put(str(error))


def _started(arguments: object) -> object:
    queue = _named("multiprocessing").Queue()
    process = _named("multiprocessing").Process(target=_in_process, args=(arguments, queue))
    process.start()
    process.join()
    found = queue.get()
    if isinstance(found, str):
        raise RuntimeError(f"a start failed: {found}")
    return found


def main(arguments: Namespace) -> None:
    """Cold starts in folders of their own, one that fills the user's cache, and warm ones with that."""
    _named("multiprocessing").set_start_method("spawn", force=True)
    engine = _named("EngineArgs").from_cli_args(arguments)
    cold = []
    for _ in range(arguments.num_iters_cold):
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"VLLM_CACHE_ROOT": folder}):
            cold.append(_started(engine))
    warm = [_started(engine) for _ in range(arguments.num_iters_warmup + arguments.num_iters_warm)]
    os.environ["INVENTED_BENCHMARK"] = "left behind"
    print(f"cold {cold} warm {warm[arguments.num_iters_warmup :]}")
