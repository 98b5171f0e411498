"""vLLM as it is installed here: found once per process, or missed with a sentence that says what to do."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, cast

from suite.subjects.strangers import EngineMissing
from suite.subjects.vllm.dialect import Dialect, UnknownDialect, recognise

MANAGER = "vllm.v1.worker.encoder_cudagraph"
SHAPES = "vllm.v1.worker.encoder_cudagraph_defs"
VISION = "vllm.model_executor.models.vision"
PROTOCOL = "vllm.model_executor.models.interfaces"
QUIET = {"VLLM_LOGGING_LEVEL": "ERROR"}
"""Environment under which vLLM is imported: it reads it once."""
ENVIRONMENTS = "tox run -e vllm-0.33 (or -0.20, -0.22, -0.25, -0.28, -0.30)"


@dataclass(frozen=True)
class Engine:
    """What the adapter uses of an installed vLLM."""

    version: str
    dialect: Dialect
    module: ModuleType
    """The module of the manager: names that it imported are replaced there."""
    shapes: ModuleType
    """The module of the dataclasses that manager and model exchange."""
    vision: ModuleType
    """The module that shares batches out over ranks without graphs."""
    protocol: type
    """`SupportsEncoderCudaGraph`, from which a model is derived."""
    compilation_config: Callable[..., object]
    """The engine's own configuration of compilation, with its own checks."""

    def manager(self, *wishes: object) -> Any:  # noqa: ANN401 - another package's class, known when it is there
        """The unmodified `EncoderCudaGraphManager(vllm_config, device, dtype, model)`."""
        return self.module.EncoderCudaGraphManager(*wishes)


@cache
def installed() -> Engine:
    """The vLLM of this environment.

    Raises:
        EngineMissing: there is none, or none that can be used.
    """
    with quietly():
        package = imported("vllm")
        version = str(getattr(package, "__version__", "of unknown version"))
        module, shapes, vision, interfaces, config = (
            imported(name, found=f"vllm {version}") for name in (MANAGER, SHAPES, VISION, PROTOCOL, "vllm.config")
        )
    protocol = cast("type", interfaces.SupportsEncoderCudaGraph)
    try:
        dialect = recognise(protocol, shapes.EncoderCudaGraphConfig)
    except UnknownDialect as unknown:
        raise EngineMissing(f"vllm {version} speaks no dialect that is known: {unknown}. Use {ENVIRONMENTS}") from None
    return Engine(version, dialect, module, shapes, vision, protocol, config.CompilationConfig)


def part(name: str) -> ModuleType:
    """One more module of the engine, beside those that `installed` found.

    Raises:
        EngineMissing: it, or something that it imports, is not there.
    """
    with quietly():
        return imported(name, found="no such module in the vLLM that is installed")


def imported(name: str, *, found: str = "no package of that name") -> ModuleType:
    """The module.

    Raises:
        EngineMissing: it, or something that it imports, is not there.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        lacking = getattr(error, "name", None)
        why = found if lacking in (name, None) else f"{found}, which imports {lacking}, and that is not there"
        if name == "vllm" and lacking == "vllm":
            why = found
        raise EngineMissing(f"looked for the module {name}, found {why}. Use {ENVIRONMENTS}") from error


@contextmanager
def quietly() -> Iterator[None]:
    """What vLLM logs and warns of while it is imported says nothing of its encoder graphs."""
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
