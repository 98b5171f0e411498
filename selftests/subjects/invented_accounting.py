"""An accounting of compile time of our own in the forms of vLLM's: what the adapter plays where no vLLM is installed.

It counts as SPEC T9 wants it. It shares names with vLLM, which the adapter calls, and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from logging import Logger, getLogger
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import nn

from suite.subjects.vllm.callers import Accounting

LOGGER = "vllm.compilation.invented"


class Mode(IntEnum):
    """Modes of compiling."""

    NONE = 0
    STOCK = 1
    FULL = 3


@dataclass
class CompilationConfig:
    """Counters, and what else is asked for."""

    mode: int = Mode.FULL
    compile_sizes: list[int] = field(default_factory=list)
    backend: str = "inductor"
    local_cache_dir: str = ""
    traced_files: set[str] = field(default_factory=set)
    compilation_time: float = field(default=0.0, repr=False)
    encoder_compilation_time: float = field(default=0.0, repr=False)

    def compute_hash(self) -> str:
        """Without the counters."""
        return f"{self.mode} {self.backend}"


class Whole:
    """A whole configuration."""

    def __init__(
        self, *, compilation_config: CompilationConfig, device_config: object, optimization_level: int
    ) -> None:
        self.compilation_config = compilation_config
        self.wishes = device_config, optimization_level

    def compute_hash(self) -> str:
        """Replaced by the adapter."""
        raise AssertionError("an instance is told whether it has an artifact")


@cache
def print_once(logger: Logger, message: str, seconds: float) -> None:
    """One line, never the same twice."""
    logger.info(message, seconds)


class Monitors:
    """The monitors of one engine: of each thread, the seconds inside those that are open."""

    apart = True
    """Whether seconds of an inner compile are taken off the outer one's."""

    def __init__(self, logger: ModuleType) -> None:
        self.module = ModuleType("monitor")
        vars(self.module).update(time=time, monitor_torch_compile=contextlib.contextmanager(self.monitored))
        self._logger = logger
        self._local = threading.local()

    def monitored(
        self, whole: Whole, message: str = "torch.compile took %.2f s in total", *, is_encoder: bool = False
    ) -> Iterator[None]:
        """The context manager."""
        clock = vars(self.module)["time"].perf_counter
        open_: list[float] = self._local.__dict__.setdefault("open", [])
        open_.append(0.0)
        began = clock()
        try:
            yield
        except BaseException:
            self._leave(open_, clock() - began)
            raise
        own = clock() - began - self._leave(open_, clock() - began)
        config = whole.compilation_config
        if config.mode == Mode.FULL:
            name = "encoder_compilation_time" if is_encoder else "compilation_time"
            setattr(config, name, getattr(config, name) + own)
            vars(self._logger)["_print_info_once"](getLogger(LOGGER), message, own)

    def _leave(self, open_: list[float], wall: float) -> float:
        nested = open_.pop()
        if open_:
            open_[-1] += wall
        return nested if self.apart else 0.0


class CountsTwice(Monitors):
    """Seconds of an inner compile are the outer one's too."""

    apart = False


def decorator(monitor: Callable[..., Any]) -> Callable[..., Any]:
    """What makes instances of a class compile, by way of that monitor."""

    def support(
        *, dynamic_arg_dims: dict[str, int], is_encoder: bool = False
    ) -> Callable[[type[nn.Module]], type[nn.Module]]:
        assert dynamic_arg_dims, "a class without dynamic sizes is refused"

        def call(self: Any) -> object:  # noqa: ANN401 - an instance of any class
            path = Path(os.environ["VLLM_CACHE_ROOT"]) / self.vllm_config.compute_hash()
            compiler = self._compiled_callable
            load: Callable[..., Any] = torch.compiler.load_compiled_function
            with contextlib.suppress(Exception), monitor(self.vllm_config, is_encoder=is_encoder):
                with path.open("rb") as file:
                    loaded = load(file)
                if loaded.source_info().inlined_sources:
                    raise RuntimeError("sources have changed")
                with_it = loaded
            if "with_it" in locals():
                return with_it()
            if self.vllm_config.compilation_config.backend == "eager":
                message = "torch.compile and initial profiling/warmup run together took %.2f s in total"
                with monitor(self.vllm_config, message, is_encoder=is_encoder):
                    return compiler()
            with monitor(self.vllm_config, is_encoder=is_encoder):
                made = compiler.aot_compile(((), {}))
                made.save_compiled_function(str(path))
            return made()

        def decorate(cls: type[nn.Module]) -> type[nn.Module]:
            return type(cls.__name__, (cls,), {"__call__": call})

        return decorate

    return support


def accounting(kind: type[Monitors] = Monitors) -> Accounting:
    """An engine's accounting with those monitors."""
    logger, config, decorators = ModuleType("logger"), ModuleType("config"), ModuleType("decorators")
    vars(logger)["_print_info_once"] = print_once
    vars(config).update(
        CompilationConfig=CompilationConfig,
        CompilationMode=Mode,
        DeviceConfig=SimpleNamespace,
        VllmConfig=Whole,
        set_current_vllm_config=contextlib.nullcontext,
    )
    monitors = kind(logger)
    monitor: Callable[..., Any] = vars(monitors.module)["monitor_torch_compile"]
    translator = type("Translator", (), {"inline_call_": None})
    vars(decorators).update(support_torch_compile=decorator(monitor), InliningInstructionTranslator=translator)
    return Accounting(monitors.module, decorators, config, logger)
