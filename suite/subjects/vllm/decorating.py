"""vLLM's decorator as a workbench: its own configurations, and instances made as the engine makes them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NoReturn

from torch import nn
from torch._dynamo import convert_frame

from suite.contract.decorating import DecorationFacts, Options, Wishes
from suite.contract.subject import AdapterBroken, Refused
from suite.subjects.heard import Lines, heard
from suite.subjects.vllm.decorator import CompileEngine, said

LOGGER = "vllm"
MODES = {"none": 0, "full": 3}
"""Values of the engine's `CompilationMode`. In its mode for stock torch.compile the decorator compiles nothing."""


def environment(folder: str) -> dict[str, str]:
    """Variables under which nothing is kept on disk from one case to the next."""
    return {"VLLM_CACHE_ROOT": folder, "VLLM_DISABLE_COMPILE_CACHE": "1", "VLLM_USE_AOT_COMPILE": "0"}


def config_of(wishes: Wishes, engine: CompileEngine) -> Any:  # noqa: ANN401 - the engine's own
    """A `VllmConfig` for a CPU, without a model.

    `compile_sizes` is said because only a configuration with a model fills it in, and `optimization_level` because the
    passes of other levels fuse kernels that are compiled parts.

    Raises:
        Refused: the engine refuses a value.
    """
    if wishes.mode not in MODES:
        raise AdapterBroken(f"mode {wishes.mode!r} is not declared: choose one of {', '.join(MODES)}")
    compiling = {
        "mode": MODES[wishes.mode],
        "backend": wishes.backend,
        "compile_sizes": [],
        **({} if wishes.encoder is None else {"compile_mm_encoder": wishes.encoder}),
    }
    try:
        return engine.config.VllmConfig(
            compilation_config=engine.config.CompilationConfig(**compiling),
            device_config=engine.config.DeviceConfig(device="cpu"),
            optimization_level=0,
        )
    except ValueError as error:
        raise Refused(str(error)) from error


class VllmWorkbench:
    """Decorates classes with vLLM's decorator, for one configuration of vLLM."""

    def __init__(self, wishes: Wishes, engine: CompileEngine) -> None:
        self._engine = engine
        self._lines = Lines()
        self._stack = contextlib.ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._stack.enter_context(surroundings(environment(folder)))
        self._stack.enter_context(heard(self._lines, LOGGER))
        forget_hooks()
        try:
            self._config = config_of(wishes, engine)
        except BaseException:
            self._stack.close()
            raise

    def decorate(self, cls: type[nn.Module], options: Options, dims: Mapping[str, int] | None) -> type[nn.Module]:
        """The same class, written to.

        Raises:
            Refused: the class or the options are refused.
        """
        try:
            return self._engine.decorate(**said(options, dims))(cls)
        except ValueError as error:
            raise Refused(str(error)) from error

    def build(self, cls: type[nn.Module], arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        """An instance, made where the engine makes models: under its current configuration."""
        with self._engine.config.set_current_vllm_config(self._config):
            made: nn.Module = cls(*arguments, **keywords)
        return made

    def undo(self, cls: type[nn.Module]) -> NoReturn:
        """Not offered."""
        raise AdapterBroken("the capability `undoes_decoration` is not declared")

    def facts(self) -> DecorationFacts:
        """What the configuration counted, and what was logged."""
        compiling = self._config.compilation_config
        return DecorationFacts(
            language_model_seconds=compiling.compilation_time,
            encoder_seconds=compiling.encoder_compilation_time,
            messages=tuple(self._lines.messages),
            warnings=tuple(self._lines.warnings),
        )

    def close(self) -> None:
        """Stops listening; classes stay decorated."""
        self._stack.close()


def forget_hooks(table: MutableMapping[int, Callable[..., object]] | None = None) -> None:
    """Drops what instances of earlier cases left in torch's table of bytecode hooks.

    The engine takes no hook out again. A copy of one instance copies the whole table, so an earlier case would decide
    what a later one finds; that a hook is left is for the case to see that left it.
    """
    hooks = vars(convert_frame)["_bytecode_hooks"] if table is None else table
    for number, hook in [*hooks.items()]:
        if hook.__module__.partition(".")[0] == LOGGER:
            del hooks[number]


@contextlib.contextmanager
def surroundings(variables: Mapping[str, str]) -> Iterator[None]:
    """These environment variables, until the block ends; the engine reads them whenever it needs one."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
