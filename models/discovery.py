"""What metadata a tower wants, found by watching it instead of from a table per model.

Vision towers compute their metadata in helper functions with a parameter named `kwargs`, and each helper
first looks there for a ready value. So every such function is watched through one eager run: the keys that
it asks for in vain are the names of its results. The calls are kept as a *recipe* that works for any grids.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import cast

import torch
from torch import Tensor, nn

from models.api import Grid

Helper = Callable[..., object]
GRID = "grid_thw"
"""Name of the grid tensor, `[items, 3]`: frames, height and width of each item."""

_patching = threading.Lock()


class DiscoveryError(RuntimeError):
    """A helper of the tower cannot be turned into a recipe. Give the tower another helper or leave it out."""


@dataclass(frozen=True)
class _Named:
    """An argument that is an earlier result, or the grid tensor."""

    name: str


@dataclass(frozen=True)
class Step:
    """One helper call: the names of its results, and arguments of which some are named."""

    names: tuple[str, ...]
    helper: Helper
    arguments: Mapping[str, object]

    def run(self, known: Mapping[str, object]) -> dict[str, object]:
        """The results by name, for the values known so far."""
        given = {key: known[each.name] if isinstance(each, _Named) else each for key, each in self.arguments.items()}
        result = self.helper(**given)
        results = result if len(self.names) > 1 else (result,)
        return dict(zip(self.names, cast(Sequence[object], results), strict=True))


@dataclass(frozen=True)
class Recipe:
    """The helper calls of one tower, in order."""

    steps: tuple[Step, ...]

    def values(self, grids: Sequence[Grid]) -> dict[str, Tensor]:
        """Exact metadata of the grids by name, on the host, the grid tensor too. Numbers become tensors."""
        known: dict[str, object] = {GRID: grid_tensor(grids)}
        for step in self.steps:
            known.update(step.run(known))
        return {name: _tensor(value) for name, value in known.items()}


@dataclass
class _Watch:
    """What was seen during the run."""

    grid: Tensor
    thread: int = field(default_factory=threading.get_ident)
    """The one that watches; calls of others pass unseen."""
    steps: list[Step] = field(default_factory=list)
    results: dict[int, tuple[str, object]] = field(default_factory=dict)
    """By identity. The object is kept, so that its identity is not used again."""

    def name(self, argument: object) -> object:
        """The argument, or its name if it is the grid or an earlier result."""
        if argument is self.grid:
            return _Named(GRID)
        if id(argument) in self.results and isinstance(argument, Tensor):
            return _Named(self.results[id(argument)][0])
        if isinstance(argument, Tensor):
            raise DiscoveryError("A helper takes a tensor that is neither the grid nor an earlier result.")
        return argument

    def record(self, helper: Helper, names: tuple[str, ...], arguments: Mapping[str, object], result: object) -> None:
        """Keep one call whose keys were asked for in vain."""
        self.steps.append(Step(names, helper, {key: self.name(each) for key, each in arguments.items()}))
        results = cast(Sequence[object], result) if len(names) > 1 else (result,)
        self.results.update({id(each): (name, each) for name, each in zip(names, results, strict=True)})


class _Asked(dict[str, object]):
    """A `kwargs` dictionary that notes the keys it is asked for and does not have."""

    def __init__(self, given: dict[str, object]) -> None:
        super().__init__(given)
        self.given = given
        self.missing: list[str] = []

    def pop(self, key: str, default: object = None) -> object:
        if key not in self:
            self.missing.append(key)
        self.given.pop(key, None)
        return super().pop(key, default)


def discover(module: nn.Module, pixels: Tensor, grid: Grid) -> Recipe:
    """The recipe of a tower, from watching one eager run of `module(pixels, grid_thw)` over one small item.

    Raises:
        DiscoveryError: a helper depends on more than the grid and earlier results.
    """
    watch = _Watch(grid_tensor([grid]))
    with _watched(module, watch), torch.no_grad():
        module(pixels, watch.grid)
    return Recipe(tuple(watch.steps))


def grid_tensor(grids: Sequence[Grid]) -> Tensor:
    """`[items, 3]`, int64, on the host."""
    return torch.tensor([[each.frames, each.height, each.width] for each in grids])


def _tensor(value: object) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(cast(int, value), dtype=torch.int32)


@contextmanager
def _watched(module: nn.Module, watch: _Watch) -> Iterator[None]:
    """Replace every helper that the tower can see by one that reports to `watch`; always restored."""
    with _patching:
        found = [(space, name, helper) for space in _namespaces(module) for name, helper in _helpers(space)]
        try:
            for space, name, helper in found:
                setattr(space, name, _watching(helper, watch))
            yield
        finally:
            for space, name, helper in found:
                setattr(space, name, helper)


def _watching(helper: Helper, watch: _Watch) -> Helper:
    signature = inspect.signature(helper)

    def watching(*positional: object, **named: object) -> object:
        arguments = signature.bind(*positional, **named).arguments
        given = arguments.pop("kwargs", None)
        if not isinstance(given, dict) or threading.get_ident() != watch.thread:
            return helper(*positional, **named)
        asked = _Asked(given)
        result = helper(**arguments, kwargs=asked)
        # An outer helper that only hands `kwargs` on finds the names already taken by the inner one.
        known = {name for step in watch.steps for name in step.names}
        names = tuple(name for name in asked.missing if name not in known)
        if names:
            watch.record(helper, names, arguments, result)
        return result

    return watching


def _namespaces(module: nn.Module) -> list[ModuleType]:
    """The files of the tower's classes, and the files of the helpers that these use."""
    names = {type(each).__module__ for each in module.modules()}
    spaces = [sys.modules[name] for name in sorted(names) if not name.startswith("torch.")]
    for space in spaces:
        for _, helper in _helpers(space):
            source = sys.modules[helper.__module__]
            if source not in spaces:
                spaces.append(source)
    return spaces


def _helpers(space: ModuleType) -> list[tuple[str, Helper]]:
    """Functions of a file with a parameter named `kwargs` (not `**kwargs`)."""
    functions = [(name, each) for name, each in vars(space).items() if inspect.isfunction(each)]
    return [(name, each) for name, each in functions if _takes_kwargs(each)]


def _takes_kwargs(function: Callable[..., object]) -> bool:
    parameter = inspect.signature(function).parameters.get("kwargs")
    return parameter is not None and parameter.kind is not inspect.Parameter.VAR_KEYWORD
