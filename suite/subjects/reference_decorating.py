"""The decoration facets of the reference as a subject: decorated classes, and whole models."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import nn

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig, CompilationMode, ConfigError
from reference.compilation.decorator import support_torch_compile, undecorated
from reference.compilation.dynamic_dims import DecorationError
from reference.transformers_backend.errors import BackendError
from reference.transformers_backend.loading import Loaded, Loader
from suite.contract.decorating import DecorationFacts, Options, Wishes
from suite.contract.subject import Refused
from suite.subjects.heard import Lines, heard, own_warnings

_LOGGER = "reference"


@dataclass(frozen=True)
class DecorationParts:
    """What the reference decorates and loads with."""

    decorate: Callable[..., type[nn.Module]] = support_torch_compile
    """Called with the class, and `dynamic_arg_dims`, `is_encoder`, `enable_if`."""
    undecorate: Callable[[type[nn.Module]], type[nn.Module]] = undecorated
    loader: Callable[[], Loader] = Loader
    undo: Callable[[Loaded], None] = Loaded.undo
    config: Callable[..., CompilationConfig] = CompilationConfig
    services: Callable[[], CompileServices] = CompileServices
    imported_as: tuple[str, ...] = ("reference.compilation.decorator", "reference.transformers_backend.loading")


SOUND = DecorationParts()
"""The reference's own parts."""


class Decorates:
    """A subject's methods about decoration, over the reference's parts."""

    def __init__(self, parts: DecorationParts) -> None:
        self._decoration = parts
        self._loader = parts.loader()

    def workbench(self, wishes: Wishes) -> ReferenceWorkbench:
        """One configuration and its services."""
        return ReferenceWorkbench(wishes, self._decoration)

    def load_model(self, config: object, wishes: Wishes) -> ReferenceLoad:
        """A model from the subject's one loader."""
        return ReferenceLoad(config, wishes, self._decoration, self._loader)


def config_of(wishes: Wishes, make: Callable[..., CompilationConfig]) -> CompilationConfig:
    """The reference's configuration; what the user does not say is not said.

    Raises:
        Refused: the configuration refuses a value.
    """
    said: dict[str, Any] = {} if wishes.encoder is None else {"compile_mm_encoder": wishes.encoder}
    try:
        return make(mode=CompilationMode(wishes.mode), backend=wishes.backend, **said)
    except ConfigError as error:
        raise Refused(str(error)) from error


class _Heard:
    """Listens to the reference until it is closed."""

    def __init__(self, wishes: Wishes, parts: DecorationParts) -> None:
        self.config = config_of(wishes, parts.config)
        self.services = parts.services()
        self._lines = Lines()
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(heard(self._lines, _LOGGER))

    def listening(self) -> contextlib.AbstractContextManager[None]:
        """Keeps the reference's Python warnings too."""
        return own_warnings(self._lines, "/reference/")

    def facts(self) -> DecorationFacts:
        """What was heard so far."""
        return DecorationFacts(
            language_model_seconds=self.config.compilation_time,
            encoder_seconds=self.config.encoder_compilation_time,
            messages=tuple(self._lines.messages),
            warnings=tuple(self._lines.warnings),
        )

    def close(self) -> None:
        """Stops listening."""
        self._stack.close()


class ReferenceWorkbench(_Heard):
    """Decorates classes for one configuration."""

    def __init__(self, wishes: Wishes, parts: DecorationParts) -> None:
        super().__init__(wishes, parts)
        self._parts = parts

    def decorate(self, cls: type[nn.Module], options: Options, dims: Mapping[str, int] | None) -> type[nn.Module]:
        """A subclass.

        Raises:
            Refused: the class or the options are refused.
        """
        try:
            return self._parts.decorate(
                cls,
                dynamic_arg_dims=dims,
                is_encoder=options.component == "encoder",
                enable_if=None if options.enabled is None else _ANSWERS[options.enabled],
            )
        except DecorationError as error:
            raise Refused(str(error)) from error

    def build(self, cls: type[nn.Module], arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        """An instance with the workbench's configuration."""
        made: nn.Module = cls(*arguments, **keywords, compilation_config=self.config, services=self.services)
        return made

    def undo(self, cls: type[nn.Module]) -> type[nn.Module]:
        """The class that was decorated."""
        return self._parts.undecorate(cls)


class ReferenceLoad(_Heard):
    """One loaded model."""

    def __init__(self, config: object, wishes: Wishes, parts: DecorationParts, loader: Loader) -> None:
        super().__init__(wishes, parts)
        self._undo = parts.undo
        try:
            self._loaded = loader.load(cast(Any, config), self.config, self.services)
        except BackendError as error:
            self.close()
            raise Refused(str(error)) from error
        except BaseException:
            self.close()
            raise

    @property
    def model(self) -> nn.Module:
        """The model."""
        return self._loaded.model

    def facts(self) -> DecorationFacts:
        """What was heard so far, and what the loader says it compiles."""
        return replace(super().facts(), compiled=tuple(each.path for each in self._loaded.compiled))

    def undo(self) -> None:
        """Gives the modules their classes back."""
        self._undo(self._loaded)


def _yes(_: CompilationConfig) -> bool:
    return True


def _no(_: CompilationConfig) -> bool:
    return False


# One function for each answer: equal decorations are one class.
_ANSWERS = {True: _yes, False: _no}
