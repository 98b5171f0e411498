"""Makes a class whose forward is compiled, and leaves the class that it was made from alone (SPEC D4, D6)."""

from __future__ import annotations

import functools
import inspect
import pickle
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast, overload

import torch
from torch import nn
from torch._dynamo.exc import Unsupported

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.compilation.dynamic_dims import DecorationError, DimsWish, ForwardSignature
from reference.compilation.raising import forward_raises
from reference.compilation.recipes import (
    COMPILED,
    WISHES,
    EnableIf,
    Options,
    Recipe,
    compiled_forward,
    configure,
    options_of,
    recipe_of,
)

_Module = TypeVar("_Module", bound=nn.Module)

_CONFIG = "compilation_config"
_SERVICES = "services"


# Equal decorations give one class, also across deep copies and pickles, for as long as somebody holds it.
_made: weakref.WeakKeyDictionary[type, weakref.WeakValueDictionary[Options, type]] = weakref.WeakKeyDictionary()
_making = threading.RLock()


@overload
def support_torch_compile(cls: type[_Module]) -> type[_Module]: ...
@overload
def support_torch_compile(
    cls: None = None,
    *,
    dynamic_arg_dims: DimsWish | None = None,
    is_encoder: bool = False,
    enable_if: EnableIf | None = None,
) -> Callable[[type[_Module]], type[_Module]]: ...
@overload
def support_torch_compile(
    cls: type[_Module],
    *,
    dynamic_arg_dims: DimsWish | None = None,
    is_encoder: bool = False,
    enable_if: EnableIf | None = None,
) -> type[_Module]: ...
def support_torch_compile(
    cls: type[_Module] | None = None,
    *,
    dynamic_arg_dims: DimsWish | None = None,
    is_encoder: bool = False,
    enable_if: EnableIf | None = None,
) -> type[_Module] | Callable[[type[_Module]], type[_Module]]:
    """A subclass of the same name whose forward is compiled; the class itself is not written to.

    An instance compiles if it is given a `compilation_config` when it is made, or later by `configure`; without one it
    is plain eager. `dynamic_arg_dims` gives the dims that vary by argument; without it they are inferred from the
    annotations. `enable_if` is asked once per instance. The same decoration again is the same class.

    Raises:
        DecorationError: the class has no forward of its own kind, takes no tensor, or was decorated with other options.
    """
    if cls is None:
        return functools.partial(
            support_torch_compile, dynamic_arg_dims=dynamic_arg_dims, is_encoder=is_encoder, enable_if=enable_if
        )
    _require_forward(cls)
    signature = ForwardSignature(cls.forward, class_name=cls.__qualname__)
    dims = signature.infer() if dynamic_arg_dims is None else signature.explicit(dynamic_arg_dims)
    options = Options(dims, is_encoder, enable_if)
    if (recipe := recipe_of(cls)) is not None:
        _require_same(cls, recipe.options, options)
        return cls
    if options_of(cls) is not None:
        raise DecorationError(
            f"{cls.__qualname__} has a decorated base, whose forward is compiled already: "
            "derive it from undecorated(base), or leave it as it is."
        )
    return cast(type[_Module], decorate(cls, options))


def undecorated(cls: type[nn.Module]) -> type[nn.Module]:
    """The class that was decorated; a class that was not is its own answer."""
    recipe = recipe_of(cls)
    return cls if recipe is None else recipe.original


def decorate(original: type[nn.Module], options: Options) -> type[nn.Module]:
    """The decorated class of one recipe, made once, also where two threads ask for it.

    Raises:
        DecorationError: the class lets nobody derive from it.
    """
    with _making:
        made = _made.setdefault(original, weakref.WeakValueDictionary())
        known = made.get(options)
        if known is None:
            made[options] = known = _subclass(Recipe(original, options))
        return known


class _Quiet(nn.Module):
    """Goes before the original among the bases, so that its `__init_subclass__` is not told of a decorated class.

    It is a module itself: then a module of the original class can be given the decorated one in its place.
    """

    def __init_subclass__(cls, **keywords: object) -> None:
        if recipe_of(cls) is None:
            super().__init_subclass__(**keywords)


def _subclass(recipe: Recipe) -> type[nn.Module]:
    original = recipe.original
    members: dict[str, Any] = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
        "__lockstep_recipe__": recipe,
        "__init__": _initializer(original),
        "__getstate__": _state_of(original),
        "__reduce_ex__": _reducer(recipe),
        "forward": _forward(original),
    }
    if original.__new__ is not object.__new__:
        members["__new__"] = _creator(original)
    metaclass: Callable[..., type[nn.Module]] = type(original)
    try:
        return metaclass(original.__name__, (_Quiet, original), members)
    except Exception as error:
        raise DecorationError(
            f"{original.__qualname__} lets no class derive from it ({error}), and decoration makes one: open it."
        ) from error


def _initializer(original: type[nn.Module]) -> Callable[..., None]:
    plain = original.__init__

    @functools.wraps(plain)
    def init(
        self: nn.Module,
        *args: object,
        compilation_config: CompilationConfig | None = None,
        services: CompileServices | None = None,
        **kwargs: object,
    ) -> None:
        if compilation_config is not None:
            configure(self, compilation_config, services)
        plain(self, *args, **kwargs)

    return init


def _creator(original: type[nn.Module]) -> Callable[..., object]:
    plain: Callable[..., object] = original.__new__

    @functools.wraps(plain)
    def new(cls: type, *args: object, **kwargs: object) -> object:
        kept = {name: value for name, value in kwargs.items() if name not in (_CONFIG, _SERVICES)}
        return plain(cls, *args, **kept)

    return new


def _forward(original: type[nn.Module]) -> Callable[..., object]:
    plain = cast(Callable[..., object], original.forward)

    @functools.wraps(plain)
    def forward(self: nn.Module, *args: object, **kwargs: object) -> object:
        # Inside the trace of a module around it this forward is a part of that program.
        if torch.compiler.is_compiling() or WISHES not in self.__dict__:
            return plain(self, *args, **kwargs)
        try:
            return compiled_forward(self)(*args, **kwargs)
        except Unsupported as error:
            if not forward_raises(error):
                raise
        return plain(self, *args, **kwargs)

    return forward


def _state_of(original: type[nn.Module]) -> Callable[[nn.Module], object]:
    """What a copy or a pickle of an instance takes along: everything but its compiled programs."""

    def state_of(self: nn.Module) -> object:
        state = original.__getstate__(self)
        if isinstance(state, Mapping):
            return {name: value for name, value in state.items() if name != COMPILED}
        return state

    return state_of


def _reducer(recipe: Recipe) -> Callable[[nn.Module, int], object]:
    """How an instance is pickled: by its class if that has a name of its own, else by the original and its options."""

    def reduce(self: nn.Module, protocol: int) -> object:
        reduced = recipe.original.__reduce_ex__(self, protocol)
        cls = type(self)
        if recipe_of(cls) is not recipe or _named(recipe.original) is cls or isinstance(reduced, str):
            return reduced
        maker, arguments, *rest = reduced
        if getattr(maker, "__name__", "") != "__newobj__":
            raise pickle.PicklingError(
                f"{cls.__qualname__} is decorated and pickles itself in a way of its own: "
                "save its state_dict(), and load that into a new instance."
            )
        return _rebuild, (recipe.original, recipe.options, *arguments[1:]), *rest

    return reduce


def _named(cls: type) -> object:
    """What stands under the class's name in its module: itself, or what a decorator put there."""
    found: object = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found


def _rebuild(original: type[nn.Module], options: Options, *arguments: object) -> nn.Module:
    cls = decorate(original, options)
    made: nn.Module = cls.__new__(cls, *arguments)
    return made


def _require_forward(cls: object) -> None:
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise DecorationError(f"{cls!r} is not a class of torch modules: decorate a subclass of torch.nn.Module.")
    if cls.forward is nn.Module.forward or not callable(cls.forward):
        raise DecorationError(f"{cls.__qualname__} has no forward: define forward(self, ...) before decorating.")
    if taken := {_CONFIG, _SERVICES} & inspect.signature(cls.__init__).parameters.keys():
        raise DecorationError(
            f"{cls.__qualname__}.__init__ takes {', '.join(sorted(taken))} itself, which decoration needs: rename it."
        )


def _require_same(cls: type, known: Options, wanted: Options) -> None:
    if known != wanted:
        raise DecorationError(
            f"{cls.__qualname__} is decorated with {known}, and now with {wanted}: decorate undecorated(cls) instead."
        )
