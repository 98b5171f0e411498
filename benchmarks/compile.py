"""What compiling costs: the wrapper per call beside plain `torch.compile`, and a program's start, cold and warm."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.measure import Effort, Figures, Work, at_most, median_seconds
from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.compilation.decorator import support_torch_compile

OVERHEAD_TARGET = 20.0
"""Microseconds per call over plain `torch.compile`, at most."""
STOCK = "torch_compile"
BACKENDS = ("eager", "aot_eager")
SEAMS = ("aten::softmax",)
CALLS = 200
"""Under one reading of the clock."""
TURNS = 10
"""Readings for one of the effort's."""
ROWS = 8


class Line(nn.Module):
    """A program so small that what surrounds it is what is measured."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4), requires_grad=False)

    def forward(self, rows: Tensor) -> Tensor:
        """`[rows, 4]` to the same."""
        return rows @ self.weight


class Pieces(nn.Module):
    """Three such programs with an operation between them at which the graph is split."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4), requires_grad=False)

    def forward(self, rows: Tensor) -> Tensor:
        """`[rows, 4]` to the same."""
        for _ in range(2):
            rows = (rows @ self.weight).softmax(-1)
        return rows @ self.weight


PROGRAMS: dict[str, type[nn.Module]] = {"one_piece": Line, "three_pieces_and_two_seams": Pieces}
"""By name, what is called."""


def compile_(effort: Effort) -> Figures:
    """Microseconds per call on each quick compiler, and milliseconds of a cold and a warm start on `eager`."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
        starts = {
            "cold": _started(CompilationConfig(backend="eager")),
            "warm": _started(CompilationConfig(backend="eager", cache_dir=Path(folder))),
            "ahead_of_time_warm": _started(
                CompilationConfig(backend="eager", cache_dir=Path(folder), aot_compile=True)
            ),
        }
        # The first round fills the cache.
        for start in starts.values():
            start()
        milliseconds = {name: seconds * 1e3 for name, seconds in median_seconds(starts, repeats=effort.repeats).items()}
    return {
        "call": _calls(effort),
        "start_milliseconds": {name: round(each, 2) for name, each in milliseconds.items()},
    }


def _calls(effort: Effort) -> Figures:
    """By compiler of pieces and by program: each form beside plain `torch.compile` with the same compiler."""
    return {
        backend: {name: _beside(effort, module, backend) for name, module in PROGRAMS.items()} for backend in BACKENDS
    }


def _beside(effort: Effort, module: type[nn.Module], backend: str) -> Figures:
    rows = torch.ones(ROWS, 4)
    forms: dict[str, Callable[[Tensor], Tensor]] = {
        STOCK: torch.compile(module(), backend=backend, dynamic=True),
        "just_in_time": _module(CompilationConfig(backend=backend, splitting_ops=SEAMS), module),
        "ahead_of_time": _module(CompilationConfig(backend=backend, splitting_ops=SEAMS, aot_compile=True), module),
    }
    works: dict[str, Work] = {name: _many(form, rows) for name, form in forms.items()}
    for work in works.values():
        work()
    # Many short turns on this process' own time: a wrapper waits for nothing, and other work on the machine adds none.
    seconds = median_seconds(works, repeats=TURNS * effort.repeats, calls=1, clock=time.process_time)
    each = {name: value / CALLS * 1e6 for name, value in seconds.items()}
    over = {name: round(value - each[STOCK], 2) for name, value in each.items() if name != STOCK}
    return {
        "microseconds": {name: round(value, 2) for name, value in each.items()},
        "microseconds_over_torch_compile": {name: at_most(value, OVERHEAD_TARGET) for name, value in over.items()},
    }


def _many(form: Callable[[Tensor], Tensor], rows: Tensor) -> Work:
    def work() -> None:
        with torch.no_grad():
            for _ in range(CALLS):
                form(rows)

    return work


def _module(config: CompilationConfig, module: type[nn.Module] = Line) -> nn.Module:
    decorated = support_torch_compile(module, is_encoder=True)
    # The keyword is the decorated class's own, and no type checker knows of it.
    make: Callable[..., nn.Module] = decorated
    return make(compilation_config=config, services=CompileServices())


def _started(config: CompilationConfig) -> Work:
    """As a new process: nothing compiled is left in memory."""

    def work() -> None:
        torch.compiler.reset()
        with torch.no_grad():
            _module(replace(config))(torch.ones(ROWS, 4))

    return work
