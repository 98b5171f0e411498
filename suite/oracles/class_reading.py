"""What a class, its functions and its module are now, read without running any code of theirs.

Everything comes out of `type.__dict__`, a class's own `__dict__` and the fields of Python's function objects. What
the readings give is facts: for each aspect, a mark by name.
"""

from __future__ import annotations

import sys
from abc import ABCMeta
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import CellType, FunctionType, ModuleType

from suite.oracles.class_marks import (
    ATOMS,
    VAR_KEYWORD,
    VAR_POSITIONAL,
    Mark,
    class_name,
    mark,
    module_of,
    read_module_dict,
    short_name,
    word,
)

Facts = dict[str, dict[str, Mark]]
"""Marks by aspect, then by name."""

_read_dict = type.__dict__["__dict__"].__get__
_read_mro = type.__dict__["__mro__"].__get__
_read_bases = type.__dict__["__bases__"].__get__
_read_qualname = type.__dict__["__qualname__"].__get__
_read_weak_offset = type.__dict__["__weakrefoffset__"].__get__

TOLD_ELSEWHERE = frozenset({"__doc__", "__annotations__", "__module__", "__qualname__", "_abc_impl"})
"""Entries of a class's `__dict__` that have aspects of their own."""
PYTHONS_OWN = frozenset({"__warningregistry__", "__builtins__", "__cached__"})
"""Names in a module that Python writes when it sees fit."""
WRITTEN_BY_IMPORTS = {"PreTrainedModel.__init__": "transformers.modeling_utils"}
"""Functions, with their modules, whose docstrings transformers 5 writes when a family is imported."""
MOST_WRAPPERS = 16


def ancestors(cls: type) -> tuple[type, ...]:
    """The MRO, whatever a metaclass says."""
    found: tuple[type, ...] = _read_mro(cls)
    return found


def own_entries(cls: type) -> Mapping[str, object]:
    """The class's own `__dict__`."""
    found: Mapping[str, object] = _read_dict(cls)
    return found


def children(cls: type) -> list[type]:
    """Living direct subclasses; those made by inheritance, not registered ones."""
    return type.__subclasses__(cls)


def class_facts(cls: type) -> Facts:
    """Everything about a class but its relations to others."""
    entries = dict(own_entries(cls))
    facts: Facts = {
        "class": {"object": mark(cls)},
        "name": {"name": _name_of(cls), "module": mark(entries.get("__module__"))},
        "metaclass": {"metaclass": mark(type(cls))},
        "bases": {"__bases__": _listed(_read_bases(cls))},
        "MRO": {"__mro__": _listed(ancestors(cls)[1:])},
        "__dict__": {name: mark(value) for name, value in entries.items() if name not in TOLD_ELSEWHERE},
        "weak references": {"of its instances": word("possible" if _read_weak_offset(cls) else "refused")},
        "subclasses": {str(id(each)): mark(each) for each in children(cls)},
        "registered subclasses": _registered(cls),
        "annotations": {},
        "docstring": {},
        "signature": {},
        "functions": {},
    }
    _add_texts(facts, "class", entries.get("__annotations__"), entries.get("__doc__"))
    for name, value in entries.items():
        for place, function in functions_in(name, value):
            _add_function(facts, place, function)
    return facts


def _name_of(cls: type) -> Mark:
    return word(f"{short_name(cls)}, qualified {_read_qualname(cls)}")


def _listed(classes: Sequence[type]) -> Mark:
    """Compared class by class: Python makes the tuple of an MRO anew when a base's bases are set."""
    return Mark("tuple", "", None, 0, tuple(mark(each) for each in classes))


def _registered(cls: type) -> dict[str, Mark]:
    """Classes that an abstract one was told to take for its own. Its cache of answers is none of our business."""
    if not issubclass(type(cls), ABCMeta) or "_abc_impl" not in own_entries(cls):
        return {}
    registry = ABCMeta.__dict__["register"].__globals__["_get_dump"](cls)[0]
    found = (reference() for reference in registry)
    return {class_name(each): mark(each) for each in found if each is not None}


def _add_texts(facts: Facts, place: str, annotations: object, docstring: object) -> None:
    """Annotations and docstring. No annotations are as good as none: Python adds an empty dictionary when asked."""
    if type(annotations) is dict and not annotations:
        annotations = None
    if annotations is not None:
        facts["annotations"][place] = mark(annotations)
    if docstring is not None:
        facts["docstring"][place] = mark(docstring)


def functions_in(name: str, value: object) -> Iterator[tuple[str, FunctionType]]:
    """Python functions behind an entry: itself, or those of a property, a static, class or cached one."""
    if type(value) is FunctionType:
        yield name, value
    elif type(value) is property:
        parts = {"get": value.fget, "set": value.fset, "delete": value.fdel}
        yield from ((f"{name} ({what})", each) for what, each in parts.items() if type(each) is FunctionType)
    elif type(value) is staticmethod or type(value) is classmethod:
        yield from functions_in(name, value.__func__)
    elif type(value) is cached_property:
        yield from functions_in(name, value.func)


def _add_function(facts: Facts, place: str, function: FunctionType) -> None:
    home = WRITTEN_BY_IMPORTS.get(function.__qualname__)
    is_written = home is not None and function.__globals__.get("__name__") == home
    _add_texts(facts, place, function.__annotations__, None if is_written else function.__doc__)
    facts["signature"][place] = signature(function)
    _add_inside(facts, place, function)


def signature(function: FunctionType) -> Mark:
    """Arguments, their kinds and defaults, as `inspect.signature` would find them: through `__wrapped__`.

    A default is compared by identity, for it is drawn by no one but the function.
    """
    for _ in range(MOST_WRAPPERS):
        given = function.__dict__.get("__signature__")
        inner = function.__dict__.get("__wrapped__")
        if given is not None or type(inner) is not FunctionType:
            break
        function = inner
    if given is not None:
        return Mark("__signature__", "", None, 0, (mark(given),))
    code = function.__code__
    flags = code.co_flags & (VAR_POSITIONAL | VAR_KEYWORD)
    count = code.co_argcount + code.co_kwonlyargcount + flags.bit_count()
    numbers = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags)
    values = (function.__defaults__, function.__kwdefaults__)
    defaults = tuple(mark(each) for each in values) if any(values) else ()
    return Mark("arguments", "", (numbers, code.co_varnames[:count]), 0, defaults, "value")


def _add_inside(facts: Facts, place: str, function: FunctionType) -> None:
    """What a function does: its code, what it closes over, what hangs on it. Its object is the entry's affair."""
    found = facts["functions"]
    found[f"{place}.__code__"] = mark(function.__code__)
    found[f"{place}.__name__"] = word(f"{function.__name__}, qualified {function.__qualname__}")
    if function.__closure__ is not None:
        cells = zip(function.__code__.co_freevars, function.__closure__, strict=True)
        found.update({f"{place}.__closure__[{name}]": _in_cell(cell) for name, cell in cells})
    for name, value in function.__dict__.items():
        if name != "__signature__":
            found[f"{place}.{name}"] = mark(value, depth=0)


def _in_cell(cell: CellType) -> Mark:
    """What a cell holds, to be compared by identity alone: a counter in a closure may count."""
    try:
        value = cell.cell_contents
    except ValueError:
        return word("empty")
    return word(short_name(type(value))) if type(value) in ATOMS else mark(value, depth=0)


def relation_facts(cls: type, labels: Mapping[str, type]) -> dict[str, Mark]:
    """Which of the labelled classes a class inherits from."""
    mro = ancestors(cls)
    return {label: word("yes" if any(each is other for each in mro) else "no") for label, other in labels.items()}


def namespace(name: str) -> dict[str, Mark]:
    """Names of a module and what they stand for, by identity; nothing if it is not imported.

    Left out are its own submodules, which appear when somebody imports them.
    """
    module = sys.modules.get(name)
    if module is None:
        return {}
    return {
        key: mark(value, depth=0)
        for key, value in list(read_module_dict(module).items())
        if key not in PYTHONS_OWN and not (issubclass(type(value), ModuleType) and _is_submodule(name, key, value))
    }


def _is_submodule(name: str, key: str, value: object) -> bool:
    return sys.modules.get(f"{name}.{key}") is value


def is_lazy(name: str) -> bool:
    """Whether a module is of a class of its own: such ones fill themselves when they are asked."""
    module = sys.modules.get(name)
    return module is not None and type(module) is not ModuleType


def relatives(cls: type) -> tuple[type, ...]:
    """A class with all whom its change could hurt, without those of `builtins` and `abc`.

    They are its parents to the root, their metaclasses, its descendants, and its siblings: the other children of a
    direct parent that stand in the class's own module. (Every module of torch is a sibling otherwise.)
    """
    parents = [each for each in ancestors(cls) if each is not cls]
    near = [each for base in _read_bases(cls) for each in children(base) if module_of(each) == module_of(cls)]
    found = [cls, *parents, *descendants(cls), *near]
    everyone = [*found, *(type(each) for each in found)]
    kept = [each for each in everyone if each is not type and module_of(each) not in ("builtins", "abc", "typing")]
    return tuple({id(each): each for each in kept}.values())


def descendants(cls: type) -> list[type]:
    """Every living class below, nearest first."""
    found: dict[int, type] = {}
    waiting = children(cls)
    while waiting:
        each = waiting.pop(0)
        if id(each) not in found:
            found[id(each)] = each
            waiting.extend(children(each))
    return list(found.values())
