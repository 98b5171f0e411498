"""The part of vLLM's Transformers backend that decorates, and a model that transformers makes of what it decorated."""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, NoReturn, cast
from unittest import mock

import torch
from torch import nn

from suite.contract.decorating import DecorationFacts, Wishes
from suite.contract.subject import AdapterBroken, Refused
from suite.subjects.heard import Lines, heard
from suite.subjects.vllm.class_copies import AUTO, ClassCopies, made
from suite.subjects.vllm.decorating import LOGGER, config_of, environment, forget_hooks, surroundings
from suite.subjects.vllm.decorator import CompileEngine

BACKEND = "vllm.model_executor.models.transformers"
DECORATES = "_decorate_for_torch_compile"
NO_LIMIT = 1024
"""Of models that say nothing of positions."""
ROPE = "disable_noop_dynamic_rope"
"""What later releases do to rotary embeddings before a decoder is compiled."""


@dataclass(frozen=True)
class Backend:
    """What the adapter uses of the Transformers backend."""

    base: ModuleType
    """The module of `Base`, which finds decoders and decorates."""
    multimodal: ModuleType
    """The module of `MultiModalMixin`, which finds encoders and decorates."""

    def unmade(self, *, sees: bool) -> Any:  # noqa: ANN401 - a class of the engine's
        """A model of the backend whose constructor has not run: it would need ranks, and layers of the engine's."""
        bases = (self.multimodal.MultiModalMixin, self.base.Base) if sees else (self.base.Base,)
        cls: Any = type("Decorating", bases, {})
        model = cls.__new__(cls)
        nn.Module.__init__(model)
        return model


@cache
def backend() -> Backend:
    """The Transformers backend of the vLLM of this environment.

    Raises:
        AdapterBroken: it cannot be imported.
    """
    try:
        return Backend(*(importlib.import_module(f"{BACKEND}.{name}") for name in ("base", "multimodal")))
    except ImportError as error:
        raise AdapterBroken(f"vllm's Transformers backend cannot be reached: {error}") from error


@dataclass(frozen=True)
class ModelConfig:
    """What stands for the engine's `ModelConfig`, which asks for a model on disk."""

    hf_config: Any
    max_model_len: int
    dtype: torch.dtype = torch.float32
    trust_remote_code: bool = False
    model: str = "lockstep"
    multimodal_config: None = None

    def compute_hash(self) -> str:
        """Nothing is kept from one load to the next, so nothing is told apart."""
        return self.model


def longest_text(config: Any) -> int:  # noqa: ANN401 - a configuration of transformers
    """How long a text may be unless a user says less: positions, times the factor by which rotary ones are scaled."""
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [rope, *(each for each in rope.values() if isinstance(each, Mapping))]
    factor = max(float(each.get("factor") or 1) for each in kinds)
    return int((getattr(config, "max_position_embeddings", None) or NO_LIMIT) * factor)


class VllmLoad:
    """One model, made of classes that the backend decorated."""

    def __init__(self, config: object, wishes: Wishes, engine: CompileEngine) -> None:
        self._lines = Lines()
        self._stack = contextlib.ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._stack.enter_context(surroundings(environment(folder)))
        forget_hooks()
        try:
            self._config = config_of(wishes, engine)
            self._stack.enter_context(heard(self._lines, LOGGER))
            self.model = self._made(copy.deepcopy(config), engine)
        except (ValueError, NotImplementedError) as error:
            self.close()
            raise Refused(str(error)) from error
        except BaseException:
            self.close()
            raise

    def _made(self, config: Any, engine: CompileEngine) -> nn.Module:  # noqa: ANN401 - a configuration of transformers
        """What transformers makes of decorated classes: the engine's own layers are not put into it."""
        self._config.model_config = ModelConfig(config, longest_text(config.get_text_config()))
        parts = backend()
        copies = self._stack.enter_context(ClassCopies())
        with contextlib.ExitStack() as stack:
            stack.enter_context(engine.config.set_current_vllm_config(self._config))
            for module in (parts.base, parts.multimodal):
                if hasattr(module, AUTO):
                    stack.enter_context(mock.patch.object(module, AUTO, copies))
            self._decorate(parts, config)
            for each in (config, *(value for value in vars(config).values() if hasattr(value, "use_cache"))):
                each.use_cache = False
            model: nn.Module = made(copies.whole(config), config).eval()
        if hasattr(parts.base, ROPE):
            getattr(parts.base, ROPE)(cast(Any, model).get_decoder(), self._config)
        return model

    def _decorate(self, parts: Backend, config: Any) -> None:  # noqa: ANN401 - as above
        """The backend's own method, on a model that has what the method reads."""
        model = parts.unmade(sees=config.get_text_config() is not config)
        model.vllm_config = self._config
        model.config, model.text_config = config, config.get_text_config()
        model.model_config, model.compilation_config = self._config.model_config, self._config.compilation_config
        decorate = getattr(model, DECORATES)
        given = {"config": config, "dtype": torch.float32, "trust_remote_code": False}
        decorate(**(given if inspect.signature(decorate).parameters else {}))

    def facts(self) -> DecorationFacts:
        """What the configuration counted, what was logged, and which modules are not told to stay uncompiled."""
        compiling = self._config.compilation_config
        told = {path: vars(each).get("do_not_compile", True) for path, each in self.model.named_modules()}
        return DecorationFacts(
            language_model_seconds=compiling.compilation_time,
            encoder_seconds=compiling.encoder_compilation_time,
            messages=tuple(self._lines.messages),
            warnings=tuple(self._lines.warnings),
            compiled=tuple(path for path, stays in told.items() if not stays),
        )

    def undo(self) -> NoReturn:
        """Not offered."""
        raise AdapterBroken("the capability `undoes_decoration` is not declared")

    def close(self) -> None:
        """Stops listening."""
        self._stack.close()
