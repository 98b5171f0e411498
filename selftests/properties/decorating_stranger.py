"""A decorator that is not the reference: it writes to the class itself, compiles each instance alone, and can undo it.

It shares no code with the reference. What it does in one method, a test may do wrongly in one method.
"""

from __future__ import annotations

import functools
import inspect
import threading
import time
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._dynamo.decorators import mark_unbacked
from torch._dynamo.exc import Unsupported

from models.api import Family
from suite.contract.case import Setup
from suite.contract.decorating import DecorationFacts, Options, Wishes, Workbench
from suite.contract.subject import Capabilities, Refused, Session

DECORATES = Capabilities(decorates=True, decorates_at_once=True, undoes_decoration=True)
Module = type[nn.Module]
Loose = Any
"""A class, an instance or a function that was made at run time."""
RECIPE = "stranger_recipe"
BENCH = "stranger_bench"
PROGRAM = "stranger_program"
_LOCK = threading.RLock()


@dataclass(frozen=True)
class Recipe:
    """What was done to a class, and what it had before."""

    options: Options
    names: tuple[str, ...]
    """Arguments whose first dim varies."""
    own: dict[str, object]
    plain: Loose


class InPlace:
    """A workbench that replaces the forward of the very class."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.seconds = {"encoder": 0.0, "language_model": 0.0}
        self.graphs = 0

    def decorate(self, cls: Module, options: Options, dims: Mapping[str, int] | None) -> Module:
        """The class, changed."""
        with _LOCK:
            known: Recipe | None = vars(cls).get(RECIPE)
            if known is not None:
                return self.again(cls, known, options)
            if why := self.refusal(cls, dims):
                raise Refused(why)
            self.install(cls, options, tuple(dims or tensors(cls.forward)))
        return cls

    def again(self, cls: Module, known: Recipe, options: Options) -> Module:
        """A class that is decorated already."""
        if known.options != options:
            raise Refused(f"{cls.__name__} is decorated with other options")
        return cls

    def refusal(self, cls: Module, dims: Mapping[str, int] | None) -> str | None:
        """Why a class cannot be decorated."""
        name = cls.__name__
        if not issubclass(cls, nn.Module) or cls.forward is nn.Module.forward:
            return f"{name} has no forward of a module"
        if any(RECIPE in vars(base) for base in cls.__mro__):
            return f"{name} has a decorated base"
        names = inspect.signature(cls.forward).parameters
        if not tensors(cls.forward) or any(each not in names for each in dims or ()):
            return f"{name} takes no such tensor"
        return None

    def install(self, cls: Loose, options: Options, names: tuple[str, ...]) -> None:
        """Writes to the class."""
        plain = inspect.unwrap(cls.forward)
        own = {name: vars(cls)[name] for name in ("forward", "__reduce_ex__") if name in vars(cls)}
        setattr(cls, RECIPE, Recipe(options, names, own, plain))
        cls.forward = self.wrapper(cls, plain)
        cls.__reduce_ex__ = _reducer(cls)

    def wrapper(self, cls: Module, plain: Callable[..., object]) -> Callable[..., object]:
        """The forward that the class gets."""

        @functools.wraps(plain)
        def forward(module: Loose, *args: object, **kwargs: object) -> object:
            bench: InPlace | None = vars(module).get(BENCH)
            if bench is None or torch.compiler.is_compiling():
                return plain(module, *args, **kwargs)
            return bench.run(module, cls, args, kwargs)

        return forward

    def run(self, module: Loose, cls: Loose, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        """One call of an instance that is to compile."""
        recipe: Recipe = vars(cls)[RECIPE]
        if self.wishes.mode == "none" or recipe.options.enabled is False:
            return recipe.plain(module, *args, **kwargs)
        bound = inspect.signature(recipe.plain).bind(module, *args, **kwargs)
        self.check(cls, bound.arguments)
        self.mark(bound.arguments, recipe.names)
        program = module.__dict__.setdefault(PROGRAM, self.compiled(recipe.plain))
        begun, graphs = time.perf_counter(), self.graphs
        try:
            return program(module, *args, **kwargs)
        except Unsupported:
            return recipe.plain(module, *args, **kwargs)
        finally:
            if self.graphs > graphs and self.wishes.mode == "full":
                self.count(recipe.options, time.perf_counter() - begun)

    def check(self, cls: Module, arguments: Mapping[str, object]) -> None:
        """Refuses what is no tensor where one is taken, and the reverse."""
        for name, value in arguments.items():
            annotation = str(cls.forward.__annotations__.get(name, ""))
            if "Tensor" in annotation and name != "rest":
                fits = isinstance(value, Tensor) or (value is None and ("None" in annotation or "Opt" in annotation))
            else:
                fits = "int" not in annotation or isinstance(value, int)
            if not fits:
                raise TypeError(f"{cls.__name__}: {name} is a {type(value).__name__}")

    def mark(self, arguments: Mapping[str, object], names: tuple[str, ...]) -> None:
        """Says which sizes vary."""
        for name in names:
            value = arguments.get(name)
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Tensor):
                    mark_unbacked(each, 0)

    def compiled(self, plain: Loose) -> Callable[..., object]:
        """A program of one instance, over code of its own."""
        code, names = plain.__code__.replace(), plain.__globals__
        own = types.FunctionType(code, names, plain.__name__, plain.__defaults__, plain.__closure__)
        own.__kwdefaults__ = plain.__kwdefaults__
        return torch.compile(own, backend=self.backend, fullgraph=True)

    def backend(self, graph: fx.GraphModule, example_inputs: object) -> Callable[..., Any]:
        """The graph as it is."""
        self.graphs += 1
        return graph.forward

    def count(self, options: Options, seconds: float) -> None:
        """Seconds of a call in which something was compiled."""
        self.seconds[options.component] += seconds

    def build(self, cls: Module, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        """An instance that compiles under this workbench."""
        made = cls(*arguments, **keywords)
        vars(made)[BENCH] = self
        return made

    def undo(self, cls: Module) -> Module:
        """Everything that was written to the class is taken back."""
        recipe: Recipe = vars(cls)[RECIPE]
        for name in ("forward", "__reduce_ex__", RECIPE):
            delattr(cls, name)
        for name, value in recipe.own.items():
            setattr(cls, name, value)
        return cls

    def facts(self) -> DecorationFacts:
        """Seconds; it logs nothing."""
        return DecorationFacts(self.seconds["language_model"], self.seconds["encoder"], (), ())

    def close(self) -> None:
        """Nothing is held."""


def tensors(forward: Callable[..., object]) -> list[str]:
    """Names of the arguments whose annotation speaks of a tensor."""
    return [name for name, each in forward.__annotations__.items() if "Tensor" in str(each) and name != "return"]


def _reducer(cls: Module) -> Callable[[Any, Any], object]:
    plain = cls.__reduce_ex__

    def reduce(module: Loose, protocol: Loose) -> object:
        if BENCH in vars(module):
            raise TypeError(f"{cls.__name__} compiles and is not copied: copy its state")
        return plain(module, protocol)

    return reduce


class Stranger:
    """A subject that decorates and does nothing else."""

    name = "stranger"
    version = "1"

    def __init__(self, bench: Callable[[Wishes], Workbench] = InPlace, capabilities: Capabilities = DECORATES) -> None:
        self._bench = bench
        self.capabilities = capabilities

    def workbench(self, wishes: Wishes) -> Workbench:
        """A new one."""
        return self._bench(wishes)

    def start(self, family: Family, setup: Setup) -> Session:
        """It encodes nothing."""
        raise NotImplementedError("a stranger that only decorates")

    def missing_method(self, family: Family, method: str) -> None:
        """It has no protocol."""

    def methods(self) -> tuple[str, ...]:
        """None."""
        return ()

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """It has no budgets."""
        return ()
