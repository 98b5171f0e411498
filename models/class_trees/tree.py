"""A class tree in a module of its own, which is there for the time of a block."""

from __future__ import annotations

import contextlib
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import cast

import torch
from torch import Tensor, nn

from models.class_trees.shape import Shape
from models.class_trees.source import source

WIDTH = 4
"""Channels of a row."""
FAILS = 13
"""The value of `times` for which the root's forward raises."""


class Journal:
    """What constructors of a tree note: who ran, with what."""

    def __init__(self) -> None:
        self.notes: list[tuple[object, ...]] = []

    def note(self, *what: object) -> None:
        """One line."""
        self.notes.append(what)


@dataclass(frozen=True)
class ClassTree:
    """The classes of one tree, made afresh."""

    shape: Shape
    module: ModuleType
    classes: Mapping[str, type[nn.Module]]
    """By name, the root first."""
    journal: Journal = field(default_factory=Journal)

    def bad(self, name: str) -> type[nn.Module]:
        """A class of the tree's module that cannot be decorated."""
        return cast("type[nn.Module]", getattr(self.module, name))

    def derived(self, base: type[nn.Module]) -> type[nn.Module]:
        """A new class below any class, as a user writes one: its forward doubles what its base's gives."""
        derive: Callable[[type[nn.Module]], type[nn.Module]] = self.module.derived
        return derive(base)


@contextlib.contextmanager
def class_tree(name: str, shape: Shape) -> Iterator[ClassTree]:
    """The classes of a new tree; in the block their module is found under `name`, and so are their sources."""
    module, journal = ModuleType(name), Journal()
    file = f"<{name}>"
    text = source(shape)
    vars(module).update(journal=journal, __file__=file)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    sys.modules[name] = module
    try:
        exec(compile(text, file, "exec", dont_inherit=True), vars(module))
        classes = {each: cast("type[nn.Module]", getattr(module, each)) for each in shape.names}
        yield ClassTree(shape, module, classes, journal)
    finally:
        del sys.modules[name], linecache.cache[file]


FORMS = ("defaults", "positional", "keyword", "mixed", "none")
"""How the arguments of a call are given: the first alone, by place, by name, both, or None where a tensor may be."""


def arguments(
    shape: Shape, rows: int, *, seed: int = 0, form: str = "positional", times: int | None = None
) -> tuple[tuple[object, ...], dict[str, object]]:
    """Fresh arguments of one call: positional ones, and those by name.

    `times` is given where the form gives it, or where it is not None.

    Raises:
        ValueError: no such form.
    """
    if form not in FORMS:
        raise ValueError(f"form {form!r}: choose one of {', '.join(FORMS)}")
    first, more, other, shift = _tensors(rows, seed)
    number = {} if form == "defaults" and times is None else {"times": 3 if times is None else times}
    named = {} if "keyword" not in shape.features or form in ("defaults", "none") else {"shift": shift}
    if form in ("positional", "none"):
        second = None if form == "none" else more
        rest = (other,) if "rest" in shape.features else ()
        return (first, second, *number.values(), *rest), dict(named)
    given: dict[str, object] = {**({} if form == "defaults" else {"more": more}), **number, **named}
    if form == "keyword" and "positional" not in shape.features:
        return (), {"rows": first, **given}
    return (first,), given


def _tensors(rows: int, seed: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(rows, WIDTH, generator=generator) for _ in range(4))
