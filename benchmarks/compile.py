"""What compiling costs: the wrapper per call beside plain `torch.compile`, and a program's start, cold and warm."""

from __future__ import annotations

import tempfile
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
CALLS = 2000
ROWS = 8


class Line(nn.Module):
    """A program so small that what surrounds it is what is measured."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4), requires_grad=False)

    def forward(self, rows: Tensor) -> Tensor:
        """`[rows, 4]` to the same."""
        return rows @ self.weight


def compile_(effort: Effort) -> Figures:
    """Microseconds per call, and milliseconds of a cold and a warm start, of a one-piece program on `eager`."""
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
    rows = torch.ones(ROWS, 4)
    stock = torch.compile(Line(), backend="eager", dynamic=True)
    forms: dict[str, Callable[[Tensor], Tensor]] = {"torch_compile": stock}
    for name, config in (
        ("just_in_time", CompilationConfig(backend="eager")),
        ("ahead_of_time", CompilationConfig(backend="eager", aot_compile=True)),
    ):
        forms[name] = _module(config)
    works: dict[str, Work] = {name: _many(form, rows) for name, form in forms.items()}
    for work in works.values():
        work()
    seconds = median_seconds(works, repeats=effort.repeats)
    each = {name: value / CALLS * 1e6 for name, value in seconds.items()}
    over = {name: round(value - each["torch_compile"], 2) for name, value in each.items() if name != "torch_compile"}
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


def _module(config: CompilationConfig) -> nn.Module:
    decorated = support_torch_compile(Line, is_encoder=True)
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
