"""Faults of decorated classes: what runs compiled, how often, for whom, and with which arguments."""

from __future__ import annotations

import contextlib
import inspect
import threading
import weakref
from collections.abc import Callable
from typing import Any, cast

import torch

from reference.compilation.aot import TorchTracer
from reference.compilation.compiled_forward import CompileServices, Target, Tracer
from reference.compilation.config import CompilationConfig, DynamicShapes
from reference.compilation.decorator import _subclass, support_torch_compile
from reference.compilation.dynamic_dims import DecorationError, ForwardSignature
from reference.compilation.recipes import WISHES, Options, Recipe, recipe_of
from suite.faults import injection
from suite.faults.decorated import Loose, Module, changed, otherwise
from suite.faults.fault import Fault


def _first_instance(made: Loose, original: Loose) -> None:
    """Runs the program of the class's first instance for all of them."""
    compiled, first = made.forward, list[Any]()

    def forward(self: Loose, *args: object, **kwargs: object) -> object:
        first.append(weakref.ref(self))
        return compiled(first[0]() or self, *args, **kwargs)

    made.forward = forward


def _wraps_again(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
    """The second decoration compiles what the first one compiles already."""
    made: Loose = support_torch_compile(cls, **options)
    if made is cls:
        made.forward = torch.compile(made.forward, backend="eager")
    return cast(Module, made)


def _keeps_first_options(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
    """A class that is decorated already is good enough."""
    return cls if recipe_of(cls) is not None else support_torch_compile(cls, **options)


def _constructs_twice(made: Loose, original: Loose) -> None:
    """Runs the constructor once to see what it makes, and once more."""
    plain = made.__init__

    def init(self: Loose, *args: object, **kwargs: object) -> None:
        plain(self, *args, **kwargs)
        plain(self, *args, **kwargs)

    made.__init__ = init


def _takes_prefix(made: Loose, original: Loose) -> None:
    """The decorator has a use of its own for an argument of that name."""
    plain = made.__init__

    def init(self: Loose, *args: object, prefix: str = "", **kwargs: object) -> None:
        plain(self, *args, **kwargs)

    made.__init__ = init


def _forgets_derived(made: Loose, original: Loose) -> None:
    """Compiles instances of the decorated class itself alone."""
    compiled = made.forward

    def forward(self: Loose, *args: object, **kwargs: object) -> object:
        return (compiled if type(self) is made else original.forward)(self, *args, **kwargs)

    made.forward = forward


def _compiles_derived(made: Loose, original: Loose) -> None:
    """A derived class is compiled too, around what its base compiles."""
    made.forward = torch.compiler.disable(made.forward)

    def init_subclass(cls: Loose, /, **keywords: object) -> None:
        super(made, cls).__init_subclass__(**keywords)
        cls.forward = torch.compile(cls.forward, backend="eager")

    made.__init_subclass__ = classmethod(init_subclass)


def _renames_exceptions(made: Loose, original: Loose) -> None:
    """Every failure of a call is one of the compiler's."""
    compiled = made.forward

    def forward(self: Loose, *args: object, **kwargs: object) -> object:
        try:
            return compiled(self, *args, **kwargs)
        except Exception as error:
            raise RuntimeError(f"compiling {original.__name__} failed: {error}") from error

    made.forward = forward


def _gives_up(made: Loose, original: Loose) -> None:
    """An instance whose call failed once stays eager for good."""
    compiled = made.forward

    def forward(self: Loose, *args: object, **kwargs: object) -> object:
        try:
            return compiled(self, *args, **kwargs)
        except Exception:
            self.__dict__.pop(WISHES, None)
            return original.forward(self, *args, **kwargs)

    made.forward = forward


def _unlocked() -> Callable[..., Module]:
    """Looks for a made class and makes it, with another thread in between if there is one."""
    made: dict[tuple[Module, bool], Module] = {}
    gate = threading.Barrier(2, timeout=0.1)

    def decorate(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
        dims = ForwardSignature(cls.forward, class_name=cls.__qualname__).infer()
        key = (cls, bool(options["is_encoder"]))
        known = made.get(key)
        with contextlib.suppress(threading.BrokenBarrierError):
            gate.wait()
        gate.reset()
        if known is None:
            made[key] = known = _subclass(Recipe(cls, Options(dims, options["is_encoder"])))
        return known

    return decorate


def _by_name_in_order(made: Loose, original: Loose) -> None:
    """Arguments by name are handed on by place."""
    compiled = made.forward

    def forward(self: Loose, *args: object, **kwargs: object) -> object:
        names = [*inspect.signature(original.forward).parameters][1:]
        return compiled(self, *args, *(kwargs[name] for name in names if name in kwargs))

    made.forward = forward


def _off_by_one(target: Target) -> Tracer:
    """Each type is checked at the place before, as if `self` were among the arguments."""
    signature = target.signature
    sound, names = signature.check, [*signature.parameters]

    def check(name: str, value: object) -> None:
        if name in names[1:]:
            sound(names[names.index(name) - 1], value)

    vars(signature)["check"] = check
    return TorchTracer(target)


def _no_texts(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
    """Annotations that are texts are not resolved."""
    if any(isinstance(each, str) for each in cls.forward.__annotations__.values()):
        raise DecorationError(f"{cls.__qualname__}: no dynamic dims found")
    return support_torch_compile(cls, **options)


def _no_optionals(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
    """What may be None is not taken for a tensor."""
    dims = options.pop("dynamic_arg_dims") or {"rows": 0}
    return support_torch_compile(cls, **options, dynamic_arg_dims=dims)


def _sizes_0_and_1_are_special(**fields: Any) -> CompilationConfig:  # noqa: ANN401 - the configuration's own
    """Marks sizes as dynamic, which leaves 0 and 1 to be special."""
    return CompilationConfig(**fields, dynamic_shapes=DynamicShapes.BACKED)


_EXACTLY = "decoration/exactly-the-decorated"
_ONCE = "decoration/constructed-once"
_DERIVED = "decoration/derived-classes"
_FAILURES = "decoration/failures-pass"
_SIZES = "decoration_arguments/sizes-are-inferred"

FAULTS = (
    Fault(
        id="decoration/first-instance-for-all",
        breaks="all instances of a class run the program of the first one, with its weights",
        caught_by=("decoration/values-equal-eager",),
        parts=changed(_first_instance),
        source="BUG-C10",
    ),
    Fault(
        id="decoration/enable-if-is-not-asked",
        breaks="an instance compiles whatever enable_if answers",
        caught_by=(_EXACTLY,),
        parts=otherwise(enable_if=None),
    ),
    Fault(
        id="decoration/never-compiles",
        breaks="every instance of a decorated class stays eager",
        caught_by=(_EXACTLY,),
        parts=otherwise(enable_if=lambda _: False),
    ),
    Fault(
        id="decoration/encoder-is-forgotten",
        breaks="every class is decorated as a language model",
        caught_by=("decoration/seconds-of-the-named-component",),
        parts=otherwise(is_encoder=False),
        source="BUG-T03",
    ),
    Fault(
        id="decoration/wraps-again",
        breaks="a second decoration puts a compiled wrapper around the compiled forward",
        caught_by=("decoration/same-again-is-nothing",),
        parts=injection.decoration(decorate=_wraps_again),
    ),
    Fault(
        id="decoration/keeps-first-options",
        breaks="options of a second decoration are dropped without a word",
        caught_by=("decoration/other-options-are-not-ignored",),
        parts=injection.decoration(decorate=_keeps_first_options),
    ),
    Fault(
        id="decoration/constructs-twice",
        breaks="the constructor runs twice for each instance",
        caught_by=(_ONCE,),
        parts=changed(_constructs_twice),
    ),
    Fault(
        id="decoration/takes-prefix",
        breaks="a constructor's argument called prefix does not arrive",
        caught_by=(_ONCE,),
        parts=changed(_takes_prefix),
    ),
    Fault(
        id="decoration/forgets-derived-classes",
        breaks="a class that a user derives from a decorated one runs in eager",
        caught_by=(_DERIVED,),
        parts=changed(_forgets_derived),
    ),
    Fault(
        id="decoration/compiles-derived-classes",
        breaks="a class that a user derives from a decorated one is compiled around what is compiled",
        caught_by=(_DERIVED,),
        parts=changed(_compiles_derived),
    ),
    Fault(
        id="decoration/renames-exceptions",
        breaks="what the user's forward raises comes out as an error of the compiler",
        caught_by=(_FAILURES,),
        parts=changed(_renames_exceptions),
    ),
    Fault(
        id="decoration/gives-up-after-a-failure",
        breaks="one call that failed leaves the instance in eager for good",
        caught_by=(_FAILURES,),
        parts=changed(_gives_up),
    ),
    Fault(
        id="decoration/nothing-is-locked",
        breaks="two threads that decorate a class at once make two classes",
        caught_by=("decoration/two-threads",),
        parts=lambda: injection.decoration(decorate=_unlocked())(),
        source="BUG-C07",
    ),
    Fault(
        id="decoration/by-name-in-order",
        breaks="arguments that are given by name are handed on by place, gaps closed",
        raises=True,
        caught_by=("decoration_arguments/forms-of-a-call",),
        parts=changed(_by_name_in_order),
    ),
    Fault(
        id="decoration/checks-the-place-before",
        breaks="the type of a positional argument is checked against its neighbour's annotation",
        caught_by=("decoration_arguments/wrong-types-are-named",),
        parts=injection.decoration(services=lambda: CompileServices(tracer=_off_by_one)),
    ),
    Fault(
        id="decoration/no-texts",
        breaks="annotations that are texts are taken for no tensors",
        caught_by=(_SIZES,),
        parts=injection.decoration(decorate=_no_texts),
    ),
    Fault(
        id="decoration/no-optionals",
        breaks="the size of an optional tensor is taken for a constant",
        caught_by=(_SIZES,),
        parts=injection.decoration(decorate=_no_optionals),
        source="BUG-C11",
    ),
    Fault(
        id="decoration/sizes-0-and-1-are-special",
        breaks="a call without rows, or with one, is traced once more",
        caught_by=(_SIZES,),
        parts=injection.decoration(config=_sizes_0_and_1_are_special),
        source="BUG-C12",
    ),
)
