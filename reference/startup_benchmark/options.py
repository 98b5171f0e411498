"""The command line of the benchmark: every option is checked before anything runs."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import models
from reference.compilation.config import BACKENDS, CompilationMode
from reference.encoder_graph.config import TP_MODES
from reference.startup_benchmark.facts import Wish

FACTORY = "reference.engine.zoo:worker"
DEVICES = ("cpu", "cuda")
MODES = tuple(each.value for each in CompilationMode)
FAMILIES = tuple(each.name for each in models.FAMILIES)


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    wish: Wish
    cold: int
    warm: int
    output_json: Path | None


class _Parser(argparse.ArgumentParser):
    """One sentence on a wrong option, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"startup_benchmark: {message}\n")


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """The options of one run.

    Raises:
        SystemExit: with status 2 and one sentence, for an option that cannot work.
    """
    given = _parser().parse_args(sys.argv[1:] if arguments is None else arguments)
    wish = Wish(
        factory=FACTORY,
        arguments={
            "model": given.model,
            "device": given.device,
            "mode": given.mode,
            "backend": given.backend,
            "compile_mm_encoder": given.compile_mm_encoder,
            "encoder_graphs": {
                "cudagraph_mm_encoder": given.cudagraph_mm_encoder,
                "mm_encoder_tp_mode": given.mm_encoder_tp_mode,
            },
        },
        world_size=given.tensor_parallel_size,
        seconds=given.timeout,
    )
    return Options(wish, given.num_iters_cold, given.num_iters_warm, given.output_json)


def _parser() -> _Parser:
    parser = _Parser(prog="python -m reference.startup_benchmark", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--model", type=_one_of(FAMILIES), default="qwen3_vl", help=f"one of {', '.join(FAMILIES)}")
    add("--num-iters-cold", type=_count, default=3, help="starts with an empty cache")
    add("--num-iters-warm", type=_count, default=3, help="starts with a filled cache")
    add("--output-json", type=_writable, default=None, help="where the results go as JSON")
    add("--backend", type=_one_of(BACKENDS), default="eager", help=f"one of {', '.join(BACKENDS)}")
    add("--mode", type=_one_of(MODES), default="full", help=f"one of {', '.join(MODES)}")
    add("--device", type=_one_of(DEVICES), default="cpu", help=f"one of {', '.join(DEVICES)}")
    add("--tensor-parallel-size", type=_count, default=1, help="number of ranks, each a process")
    add("--mm-encoder-tp-mode", type=_one_of(TP_MODES), default="weights", help=f"one of {', '.join(TP_MODES)}")
    add("--compile-mm-encoder", action=argparse.BooleanOptionalAction, default=True)
    add("--cudagraph-mm-encoder", action=argparse.BooleanOptionalAction, default=False)
    add("--timeout", type=_seconds, default=600.0, help="seconds for one start")
    return parser


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def chosen(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"{text!r} is not known: choose one of {', '.join(choices)}.")
        return text

    return chosen


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of times: give a whole number from 1 up.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no time to wait: give seconds above 0.")
    return seconds


def _writable(text: str) -> Path:
    """A path whose folder takes a new file, which is tried."""
    path = Path(text)
    if not text or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no file: give the path of one, for example startup.json.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be written ({error.strerror}): give a path in a folder that exists and is yours."
        ) from error
