"""How a class was decorated, what an instance was given, and the compiled forward that follows (SPEC D4)."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from torch import nn

from reference.compilation.aot import TorchTracer
from reference.compilation.compiled_forward import CompiledForward, CompileServices, Target
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.dynamic_dims import DecorationError, DynamicDims, ForwardSignature

WISHES = "_compilation_wishes"
COMPILED = "_compiled_forward"
EnableIf = Callable[[CompilationConfig], bool]

# Instances that are given a configuration and nothing else share its services, so that equal blocks compile once.
_services: dict[int, CompileServices] = {}


def services_of(config: CompilationConfig) -> CompileServices:
    """The services of one configuration, as long as it lives."""
    if id(config) not in _services:
        _services[id(config)] = CompileServices()
        weakref.finalize(config, _services.pop, id(config), None)
    return _services[id(config)]


@dataclass(frozen=True)
class Options:
    """How one class was decorated."""

    dims: DynamicDims
    is_encoder: bool = False
    enable_if: EnableIf | None = None


@dataclass(frozen=True)
class Recipe:
    """The class that was decorated, and how; it stands in the decorated class under `__lockstep_recipe__`."""

    original: type[nn.Module]
    options: Options


@dataclass(frozen=True, eq=False)
class Wishes:
    """What one instance was given. Deep copies share it; a pickle keeps the configuration alone."""

    config: CompilationConfig
    services: CompileServices

    def __deepcopy__(self, memo: dict[int, object]) -> Wishes:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled_wishes, (self.config,)


def _unpickled_wishes(config: CompilationConfig) -> Wishes:
    return Wishes(config, services_of(config))


def recipe_of(cls: type) -> Recipe | None:
    """How the class itself was decorated; None for a class that was not, though its base may have been."""
    recipe = vars(cls).get("__lockstep_recipe__")
    return recipe if isinstance(recipe, Recipe) else None


def configure(module: nn.Module, config: CompilationConfig, services: CompileServices | None = None) -> None:
    """Gives an instance of a decorated class its configuration after it was made; programs it had are dropped.

    Raises:
        DecorationError: the instance's class is not decorated.
    """
    options = options_of(type(module))
    if options is None:
        raise DecorationError(
            f"{type(module).__qualname__} is not decorated: make its class with support_torch_compile first."
        )
    _require_config(type(module), config)
    vars(module).pop(COMPILED, None)
    vars(module).pop(WISHES, None)
    if is_enabled(options, config, class_name=type(module).__qualname__):
        vars(module)[WISHES] = Wishes(config, services or services_of(config))


def is_enabled(options: Options, config: CompilationConfig, *, class_name: str) -> bool:
    """Whether an instance compiles under this configuration.

    Raises:
        TypeError: `enable_if` answers with something other than a flag (BUG-H02).
    """
    if config.mode is CompilationMode.NONE:
        return False
    if options.enable_if is None:
        return True
    answer = options.enable_if(config)
    if not isinstance(answer, bool):
        raise TypeError(f"enable_if of {class_name} answered {answer!r}: it must answer True or False.")
    return answer


def compiled_forward(module: nn.Module) -> CompiledForward:
    """The compiled forward of a configured instance, made at its first use."""
    known = vars(module).get(COMPILED)
    if isinstance(known, CompiledForward):
        return known
    wishes: Wishes = vars(module)[WISHES]
    target = _target(module, wishes)
    made = CompiledForward(target, tracer=(wishes.services.tracer or TorchTracer)(target))
    # Two threads may come here at once: both must leave with the same one.
    kept: CompiledForward = vars(module).setdefault(COMPILED, made)
    return kept


def _target(module: nn.Module, wishes: Wishes) -> Target:
    recipe = next(each for base in type(module).__mro__ if (each := recipe_of(base)) is not None)
    plain = cast(Any, recipe.original.forward)
    name = recipe.original.__qualname__
    return Target(
        module=module,
        forward=plain.__get__(module),
        class_name=name,
        signature=ForwardSignature(plain, class_name=name),
        dims=recipe.options.dims,
        is_encoder=recipe.options.is_encoder,
        config=wishes.config,
        services=wishes.services,
    )


def options_of(cls: type) -> Options | None:
    """How the class, or the nearest base that was, was decorated."""
    return next((each.options for base in cls.__mro__ if (each := recipe_of(base)) is not None), None)


def _require_config(cls: type, config: object) -> None:
    if not isinstance(config, CompilationConfig):
        raise TypeError(
            f"{cls.__qualname__}: compilation_config={config!r} is not a CompilationConfig: "
            "give one, or leave it out for plain eager."
        )
