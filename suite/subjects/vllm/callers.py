"""vLLM's own callers of its compile-time monitor, with a scripted compiler where torch's would be.

The decorated class, the load of an artifact, the compile ahead of time, the one just in time and the monitor around
each are the release's. What is scripted is what torch is asked for: to load a compiled function, or to compile one.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import inspect
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol
from unittest import mock

from torch import nn
from torch._dynamo import config as dynamo

from suite.contract.program import COMPONENTS
from suite.contract.timeline import Compile
from suite.subjects.virtual_time import DamagedArtifact
from suite.subjects.vllm.engine import imported, quietly

MONITOR = "vllm.compilation.monitor"
DECORATORS = "vllm.compilation.decorators"
CONFIG = "vllm.config"
LOGGER = "vllm.logger"
FULL = 3
"""The engine's `CompilationMode.VLLM_COMPILE`."""
_KEPT = "kept"
_VARIABLES = {
    "VLLM_USE_AOT_COMPILE": "1",
    "VLLM_DISABLE_COMPILE_CACHE": "0",
    "VLLM_FORCE_AOT_LOAD": "0",
    "VLLM_USE_BYTECODE_HOOK": "0",
}


class Working(Protocol):
    """The work of one compile, see `suite.subjects.virtual_time.Work`."""

    def failed_load(self) -> None:
        """A load that fails."""
        ...

    def compile(self) -> None:
        """The compile."""
        ...

    def first_run(self) -> None:
        """The forward that is run first."""
        ...


@dataclass(frozen=True)
class Accounting:
    """What the ledger uses of an installed vLLM."""

    monitor: ModuleType
    decorators: ModuleType
    config: ModuleType
    logger: ModuleType

    @property
    def options(self) -> tuple[tuple[Any, str], ...]:
        """What its callers set in torch while they compile: owners and names."""
        return (
            (self.decorators.InliningInstructionTranslator, "inline_call_"),
            (dynamo, "enable_cpp_symbolic_shape_guards"),
            (dynamo, "cache_size_limit"),
            (dynamo, "accumulated_cache_size_limit"),
        )


@cache
def accounting() -> Accounting | None:
    """The release's accounting of compile time; None if it has no counter of encoders' seconds beside the other."""
    with quietly():
        config = imported(CONFIG)
        if not hasattr(config.CompilationConfig, "encoder_compilation_time"):
            return None
        return Accounting(*(imported(name) for name in (MONITOR, DECORATORS, CONFIG, LOGGER)))


class Playing:
    """Which compile each thread is in: torch's functions are asked without saying for whom."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def playing(self, part: ScriptedCompiler) -> Iterator[None]:
        """The thread is in that compile until the block ends; compiles may be inside each other."""
        parts: list[ScriptedCompiler] = self._local.__dict__.setdefault("parts", [])
        parts.append(part)
        try:
            yield
        finally:
            parts.pop()

    def load(self, file: object, *, f_globals: object = None) -> object:
        """What stands for `torch.compiler.load_compiled_function`."""
        part: ScriptedCompiler = self._local.parts[-1]
        return part.load()


class ScriptedCompiler:
    """Does the work of one compile where torch would: it is what `torch.compile` returned."""

    def __init__(self, each: Compile, work: Working) -> None:
        self._each = each
        self._work = work

    def load(self) -> ScriptedFunction:
        """The artifact; one that fails raises, or is of sources that have changed since.

        Raises:
            DamagedArtifact: it is scripted to be damaged.
        """
        if self._each.failed_load is None:
            self._work.compile()
            return ScriptedFunction(self._work)
        try:
            self._work.failed_load()
        except DamagedArtifact:
            if not self._each.misfit:
                raise
        return ScriptedFunction(self._work, sources=(SimpleNamespace(module=__name__, content="other lines"),))

    def aot_compile(self, inputs: object) -> ScriptedFunction:
        """Compiles ahead of time."""
        self._work.compile()
        return ScriptedFunction(self._work)

    def __call__(self, *args: object, **kwargs: object) -> None:
        """Compiles just in time, and runs."""
        self._work.compile()
        self._work.first_run()


class ScriptedFunction:
    """What a load or a compile ahead of time gives: the forward, and what the engine asks of it."""

    def __init__(self, work: Working, sources: tuple[object, ...] = ()) -> None:
        self._work = work
        self._sources = sources
        self._artifacts = SimpleNamespace(compiled_fn=SimpleNamespace(finalize_loading=lambda _: None))

    def source_info(self) -> object:
        """The sources that it was made from."""
        return SimpleNamespace(inlined_sources=self._sources)

    def disable_guard_check(self) -> None:
        """It has no guards."""

    def save_compiled_function(self, path: str) -> None:
        """Leaves a file."""
        Path(path).touch()

    def __call__(self, *args: object, **kwargs: object) -> None:
        """The first run."""
        self._work.first_run()


class EagerView:
    """A configuration whose back end is `eager`, where the engine compiles just in time; all else is its own."""

    backend = "eager"

    def __init__(self, config: object) -> None:
        object.__setattr__(self, "_config", config)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the configuration's
        return getattr(vars(self)["_config"], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(vars(self)["_config"], name, value)


class Callers:
    """Instances of a decorated class, and the folder of their artifacts."""

    def __init__(self, engine: Accounting) -> None:
        self._engine = engine
        self._folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._made = 0
        self.whole = self._configured()
        with self.surroundings(), engine.config.set_current_vllm_config(self.whole):
            self._modules = {name: self._decorated(name) for name in COMPONENTS}
            self._keep_an_artifact()

    @contextmanager
    def surroundings(self) -> Iterator[None]:
        """The engine looks for artifacts in a folder of its own; what it sets in this process is put back.

        Its callers set options of torch while they compile, and expect that one thread does so at a time.
        """
        variables = {"VLLM_CACHE_ROOT": self._folder, **_VARIABLES}
        with mock.patch.dict(os.environ, variables), contextlib.ExitStack() as stack:
            for owner, name in self._engine.options:
                static = inspect.getattr_static(owner, name, None)
                stack.callback(setattr, owner, name, getattr(owner, name) if static is None else static)
            yield

    def counting(self, mode: int) -> Any:  # noqa: ANN401 - the engine's own
        """A configuration of compilation whose counters are at zero."""
        config = copy.copy(self.whole.compilation_config)
        config.mode = self._engine.config.CompilationMode(mode)
        config.compilation_time = config.encoder_compilation_time = 0.0
        config.traced_files = set()
        return config

    def _configured(self) -> Any:  # noqa: ANN401 - the engine's own
        """A whole configuration in mode full, for a CPU, without a model."""
        parts = self._engine.config
        return parts.VllmConfig(
            compilation_config=parts.CompilationConfig(mode=FULL, compile_sizes=[]),
            device_config=parts.DeviceConfig(device="cpu"),
            optimization_level=0,
        )

    def module(self, each: Compile, part: ScriptedCompiler, config: Any) -> nn.Module:  # noqa: ANN401 - the engine's own
        """An instance that has not compiled yet, under that configuration, with that compiler."""
        module = copy.copy(self._modules[each.component])
        kept = each.path == "load" or each.failed_load is not None
        told = copy.copy(config)
        told.compute_hash = lambda: _KEPT if kept else self._unknown()
        if each.path == "jit":
            told.compilation_config = EagerView(config.compilation_config)
        vars(module).update(
            vllm_config=told, compilation_config=told.compilation_config, compiled=False, _compiled_callable=part
        )
        return module

    def _unknown(self) -> str:
        self._made += 1
        return f"unknown {self._made}"

    def _decorated(self, component: str) -> nn.Module:
        class Scripted(nn.Module):
            def __init__(self, *, vllm_config: object, prefix: str = "") -> None:
                super().__init__()

            def forward(self, x: object = None) -> None:
                raise AssertionError("what is compiled by script has no forward of its own")

        is_encoder = component == "encoder"
        decorate = self._engine.decorators.support_torch_compile
        cls = decorate(dynamic_arg_dims={"x": 0}, **({"is_encoder": True} if is_encoder else {}))(Scripted)
        made: nn.Module = cls(vllm_config=self.whole)
        return made

    def _keep_an_artifact(self) -> None:
        """As a start before would have left it, for instances of both classes: their forwards are one function."""
        each = Compile("aot")
        module = self.module(each, ScriptedCompiler(each, _Nothing()), self.whole)
        vars(module)["vllm_config"].compute_hash = lambda: _KEPT
        module()


class _Nothing:
    """The work of a compile that takes no time."""

    def failed_load(self) -> None:
        """Nothing."""

    def compile(self) -> None:
        """Nothing."""

    def first_run(self) -> None:
        """Nothing."""


@cache
def callers(engine: Accounting) -> Callers:
    """Made once: a configuration costs a second."""
    with quietly():
        return Callers(engine)
