"""Which object stands where, told without owning it: the mark of a value outlives the value and keeps nothing alive.

No code of a value runs when it is marked: no `__eq__`, `__hash__`, `__repr__`, `__getattr__`, `__class__`, no
`__get__` of its own. Only the exact types of the interpreter are looked into.
"""

from __future__ import annotations

import functools
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import (
    BuiltinFunctionType,
    CodeType,
    EllipsisType,
    FunctionType,
    MethodType,
    ModuleType,
    NoneType,
    NotImplementedType,
)
from typing import Any, Literal, NamedTuple, cast

MOST_PARTS = 256
"""Of a longer container, the length is compared and not what is in it."""
VAR_POSITIONAL, VAR_KEYWORD = 4, 8
"""Flags of a function's code (`inspect.CO_VARARGS`, `inspect.CO_VARKEYWORDS`)."""
DEPTH = 2
"""How deep containers in containers are looked into."""

ATOMS: frozenset[type] = frozenset(
    {int, float, complex, bool, str, bytes, NoneType, EllipsisType, NotImplementedType, range}
)
"""Types whose values own nothing, so that holding one changes nothing."""

_read_name = type.__dict__["__name__"].__get__
_read_qualname = type.__dict__["__qualname__"].__get__
_read_module = type.__dict__["__module__"].__get__
read_module_dict: Callable[[object], dict[str, object]] = vars(ModuleType)["__dict__"].__get__
"""Names of a module, not asking a module of a class of its own."""


class Mark(NamedTuple):
    """What is kept of a value: enough to say later whether it is the same one, and to name it."""

    kind: str
    """Name of its type, for those who read."""
    name: str = ""
    held: object = None
    """A weak reference; for what is held as it is, the atom or the tuple of atoms."""
    address: int = 0
    """Where it stood, if it cannot be referenced weakly."""
    parts: tuple[Mark, ...] = ()
    by: Literal["reference", "address", "value"] = "reference"
    """What two marks are compared by. An atom is compared by reference too: it is held."""


def mark(value: object, *, depth: int = DEPTH) -> Mark:
    """The mark of a value, with those of its parts if it is a plain container or a descriptor of Python's."""
    kind = type(value)
    if kind in ATOMS:
        return Mark("atom", "", value)
    parts = parts_of(value, kind, depth) if kind in _PARTS else ()
    try:
        return Mark(_kind(kind), _name(value, kind), weakref.ref(value), 0, parts)
    except TypeError:
        return Mark(_read_name(kind), "", None, id(value), parts, "address")


def parts_of(value: object, kind: type, depth: int) -> tuple[Mark, ...]:
    """Marks of what a value of one of Python's own types is made of."""
    found = list(_PARTS[kind](value)) if depth else []
    if len(found) > MOST_PARTS:
        return (Mark("atom", "", len(found)),)
    return tuple(mark(each, depth=depth - 1) for each in found)


def word(text: str) -> Mark:
    """A text of ours, which is compared as a text."""
    return Mark("word", text, by="value")


def table(names: dict[object, object]) -> tuple[Mark, list[tuple[object, object]]]:
    """The mark of a long mapping's plain entries, which compare by value, and its other entries.

    Plain is what maps a text to a text, a tuple or a dictionary of texts. Texts own nothing, so they are held.
    """
    plain, others = list(dict.items(names)), []
    if not {*map(type, dict.keys(names)), *map(type, dict.values(names))} <= {str, NoneType}:
        flat = [(key, value, _plain(value) if type(key) is str else _MIXED) for key, value in plain]
        others = [(key, value) for key, value, kept in flat if kept is _MIXED]
        plain = [(key, kept) for key, _, kept in flat if kept is not _MIXED]
    return Mark("table", "", tuple(plain), by="value"), others


_MIXED = object()


def _plain(value: object) -> object:
    """The value if nothing but atoms is in it, a dictionary as a tuple (it may change in place); otherwise a sign."""
    flat = tuple(_pairs(value)) if type(value) is dict else value
    return flat if ATOMS.issuperset(map(type, flat if type(flat) is tuple else (flat,))) else _MIXED


def same(one: Mark, other: Mark) -> bool:
    """Whether two marks are of one object that has the same parts; by value for texts and tables of ours.

    Weak references to one living object are one reference, and a dead one is never that of a newer object.
    """
    if one.by != other.by or len(one.parts) != len(other.parts):
        return False
    if one.by == "value":
        is_same = (one.kind, one.name, one.held) == (other.kind, other.name, other.held)
    else:
        is_same = one.held is other.held and one.address == other.address
    return is_same and all(map(same, one.parts, other.parts))


def is_gone(each: Mark) -> bool:
    """Whether the object has been collected since it was marked."""
    return isinstance(each.held, weakref.ref) and each.held() is None


def text(each: Mark | None) -> str:
    """A mark in words, without addresses."""
    return "absent" if each is None else _words(each)


def _words(each: Mark) -> str:
    if each.by == "value":
        return signature_text(each) if each.kind == "arguments" else each.name
    if each.kind == "atom" and not isinstance(each.held, weakref.ref):
        return repr(each.held)
    if each.kind in _BRACKETS:
        opening, closing = _BRACKETS[each.kind]
        return opening + _listed(each) + closing
    inner = f" of {_listed(each)}" if each.parts else ""
    return f"{each.kind} {each.name}".strip() + inner


def signature_text(each: Mark) -> str:
    """A mark of arguments as Python writes them, without annotations."""
    (count, before_slash, keywords, flags), names = cast("tuple[tuple[int, ...], tuple[str, ...]]", each.held)
    positional, named = (part.parts for part in each.parts) if each.parts else ((), ())
    ends = [*[""] * (count - len(positional)), *(f"={_words(part)}" for part in positional)]
    given = {key.held: f"={_words(value)}" for key, value in zip(named[::2], named[1::2], strict=True)}
    words = [name + end for name, end in zip(names, ends, strict=False)]
    words[before_slash:before_slash] = ["/"] if before_slash else []
    rest = list(names[count + keywords :])
    words += [f"*{rest.pop(0)}"] if flags & VAR_POSITIONAL else ["*"] if keywords else []
    words += [name + given.get(name, "") for name in names[count : count + keywords]]
    return f"({', '.join([*words, *(f'**{name}' for name in rest)])})"


_BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")")}
_BRACKETS.update(dict.fromkeys(("set", "frozenset", "dict", "OrderedDict", "defaultdict"), ("{", "}")))


def _listed(each: Mark) -> str:
    words = [_words(part) for part in each.parts]
    is_mapping = each.kind in ("dict", "OrderedDict", "defaultdict") and len(words) % 2 == 0
    pairs = [f"{key}: {value}" for key, value in zip(words[::2], words[1::2], strict=True)] if is_mapping else words
    return ", ".join(pairs)


def is_class(value: object) -> bool:
    """Whether a value is a class; unlike `isinstance`, asks the value nothing."""
    return issubclass(type(value), type)


def class_name(cls: type) -> str:
    """Module and qualified name, read without the metaclass."""
    name: str = _read_qualname(cls)
    module = module_of(cls)
    return f"{module}.{name}" if module else name


def module_of(cls: type) -> str:
    """Name of the module that a class says it is of; empty if it says none."""
    try:
        module: object = _read_module(cls)
    except AttributeError:
        return ""
    return module if type(module) is str else ""


def short_name(cls: type) -> str:
    """The name of a class, read without the metaclass."""
    name: str = _read_name(cls)
    return name


def _kind(kind: type) -> str:
    """What those who read call it: every class a class, whatever its metaclass."""
    name: str = "class" if issubclass(kind, type) else _read_name(kind)
    return name


def _name(value: object, kind: type) -> str:
    if kind is FunctionType:
        return cast("FunctionType", value).__qualname__
    if kind is BuiltinFunctionType:
        return cast("BuiltinFunctionType", value).__name__
    if kind is CodeType:
        code = cast("CodeType", value)
        return f"of line {code.co_firstlineno} of {code.co_qualname}"
    if issubclass(kind, type):
        return class_name(cast("type", value))
    if issubclass(kind, ModuleType):
        return str(read_module_dict(value).get("__name__", ""))
    return ""


def _pairs(value: Mapping[object, object]) -> Iterable[object]:
    return (each for pair in value.items() for each in pair)


def _unordered(value: Iterable[object]) -> Iterable[object]:
    """In an order that stays, as that of a set that grew and shrank does not."""
    return sorted(value, key=id)


_PARTS: dict[type, Callable[[Any], Iterable[object]]] = {
    list: iter,
    tuple: iter,
    set: _unordered,
    frozenset: _unordered,
    dict: _pairs,
    OrderedDict: _pairs,
    defaultdict: _pairs,
    property: lambda value: (value.fget, value.fset, value.fdel),
    staticmethod: lambda value: (value.__func__,),
    classmethod: lambda value: (value.__func__,),
    MethodType: lambda value: (value.__func__, value.__self__),
    functools.partial: lambda value: (value.func, value.args, value.keywords),
}
