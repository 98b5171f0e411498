"""What a trace read beside its inputs, so that nothing it baked is missing from a program's key (BUG-C14).

Torch guards on whatever a trace reads, so its guards are the record. They miss variables that were not set, whose names
are therefore looked for in the source of what was traced.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from torch._dynamo.guards import CheckFunctionManager

UNNAMED = "<a name that is computed>"
_SET = re.compile(r"environ\._data\[b?['\"](?P<name>[^'\"]+)['\"]\]")
_READERS = ("getenv", "get", "pop", "setdefault")
_SOURCES_OF_PYTHON = ("os", "_collections_abc", "collections", "torch")


class GuardEntry(Protocol):
    """What torch tells of one guard before it is kept or dropped."""

    @property
    def name(self) -> str:
        """What the guard is about, in torch's spelling."""
        ...

    @property
    def guard_type(self) -> str:
        """The kind of check."""
        ...

    @property
    def derived_guard_types(self) -> tuple[str, ...]:
        """The kinds of check that it really makes."""
        ...


class TracedSource(Protocol):
    """What torch keeps of one function that it traced."""

    @property
    def module(self) -> str:
        """The module that it is in."""
        ...

    @property
    def firstlineno(self) -> int:
        """Its first line, counted from 1."""
        ...

    @property
    def lastlineno(self) -> int:
        """The line after its last."""
        ...

    @property
    def content(self) -> str:
        """The text of the whole module."""
        ...


@dataclass
class Reads:
    """The record of one trace. It also decides which guards a stored program carries."""

    environment: set[str] = field(default_factory=set)
    """Names of environment variables."""
    fields: set[str] = field(default_factory=set)
    """Attributes and globals whose values were baked, in torch's spelling; the stored program guards on them."""
    dropped: set[str] = field(default_factory=set)
    """Functions, classes and modules that were baked by identity, which no other process can check."""
    _touches_environment: bool = False

    def keep(self, entries: Sequence[GuardEntry]) -> list[bool]:
        """Which guards can be stored; notes what all of them are about."""
        return [self._keep(entry) for entry in entries]

    def _keep(self, entry: GuardEntry) -> bool:
        unstorable = CheckFunctionManager.UNSUPPORTED_SERIALIZATION_GUARD_TYPES
        self._touches_environment |= ".environ" in entry.name or "getenv" in entry.name
        self.environment |= {found["name"] for found in _SET.finditer(entry.name)}
        if {entry.guard_type, *entry.derived_guard_types} & set(unstorable):
            self.dropped.add(entry.name)
            return False
        if entry.guard_type in ("EQUALS_MATCH", "CONSTANT_MATCH"):
            self.fields.add(entry.name)
        # A stored program meets the environment through its key; a variable that was not set has no guard anyway.
        return "environ" not in entry.name and "getenv" not in entry.name and not entry.name.startswith("G['__")

    def note_sources(self, sources: Iterable[TracedSource]) -> None:
        """Adds the variables that the traced functions ask for by name, set or not."""
        for source in sources:
            if source.module.partition(".")[0] not in _SOURCES_OF_PYTHON:
                self.environment |= set(environment_names(lines_of(source), constants_of(source.module)))
        if self._touches_environment and not self.environment:
            self.environment.add(UNNAMED)

    def unlisted(self, listed: Iterable[str]) -> list[str]:
        """Environment variables that were read and that the key does not know, sorted."""
        return sorted(self.environment - set(listed))


def lines_of(source: TracedSource) -> str:
    """The text of the function alone."""
    return "\n".join(source.content.splitlines()[source.firstlineno - 1 : source.lastlineno - 1])


def is_unchanged(source: TracedSource) -> bool:
    """Whether the function's text is still what it was when it was traced."""
    text = _text_of(source.module)
    if text is None:
        return False
    return "\n".join(text.splitlines()[source.firstlineno - 1 : source.lastlineno - 1]) == lines_of(source)


def _text_of(module: str) -> str | None:
    """The text of a module as it is now, imported or not."""
    try:
        if module in sys.modules:
            return inspect.getsource(sys.modules[module])
        spec = importlib.util.find_spec(module)
        return None if spec is None or spec.origin is None else Path(spec.origin).read_text(encoding="utf-8")
    except (ImportError, OSError, TypeError, ValueError):
        return None


def constants_of(module: str) -> Mapping[str, str]:
    """The strings that a module holds under names of its own."""
    return {name: each for name, each in vars(sys.modules.get(module, object)).items() if isinstance(each, str)}


def environment_names(text: str, constants: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """Names of environment variables in one function: `environ.get(n)`, `environ[n]`, `n in environ`, `getenv(n)`.

    A name that stands in a constant of the module is looked up in `constants`.
    """
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:
        return
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    known = {name: each for name, each in constants.items() if name not in own}
    for node in ast.walk(tree):
        if (name := _name_read(node)) is not None:
            yield _named(name, known)


def _named(name: ast.expr, constants: Mapping[str, str]) -> str:
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return name.value
    return constants.get(name.id, UNNAMED) if isinstance(name, ast.Name) else UNNAMED


def _name_read(node: ast.AST) -> ast.expr | None:
    """The expression that names the variable, if the node reads one."""
    if isinstance(node, ast.Subscript) and _is_environment(node.value):
        return node.slice
    if isinstance(node, ast.Compare) and any(map(_is_environment, node.comparators)):
        return node.left
    if not isinstance(node, ast.Call) or not node.args:
        return None
    function = node.func
    if isinstance(function, ast.Name):
        return node.args[0] if function.id == "getenv" else None
    if not isinstance(function, ast.Attribute) or function.attr not in _READERS:
        return None
    return node.args[0] if function.attr == "getenv" or _is_environment(function.value) else None


def _is_environment(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "environ") or (
        isinstance(node, ast.Name) and node.id == "environ"
    )
