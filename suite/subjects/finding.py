"""Finds what a user names as `package.module:name`, and makes columns of it."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import re
from collections.abc import Callable, Mapping
from typing import cast

from suite.contract.replacement import replacements_of
from suite.contract.subject import AdapterBroken, Capabilities, Subject
from suite.subjects.column import Column

GROUP = "lockstep.subjects"
"""The group of entry points by which an installed package offers subjects."""
PARTS: Mapping[str, type] = {"name": str, "version": str, "capabilities": Capabilities}
"""What every subject has beside `start`."""
GUIDE = "suite/subjects/README.md"
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_COLUMN = re.compile(r"[\w ]*")
_SHOWN = 12


class UnknownSubject(ValueError):
    """There is no such subject or model: the text says what was looked for and found, and what would be valid."""


def offered() -> dict[str, str]:
    """Subjects that installed packages offer: name and `package.module:name`."""
    return {point.name: point.value for point in importlib.metadata.entry_points(group=GROUP)}


def object_at(path: str) -> object:
    """What stands at `package.module:name`.

    Raises:
        UnknownSubject: another form, no such module or name, or the module cannot be imported.
    """
    if not _PATH.fullmatch(path):
        raise UnknownSubject(f"{path!r} is not of the form package.module:name")
    module, _, name = path.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise UnknownSubject(f"{path!r}: importing {module} failed: {error}; install what it needs") from error
        raise UnknownSubject(
            f"{path!r}: no module {error.name!r} on the path; start with `python -m pytest` in its folder, name that "
            "folder in PYTHONPATH, or install it"
        ) from None
    except Exception as error:
        raise UnknownSubject(f"{path!r}: importing {module} raised {_said(error)}") from error
    if not hasattr(found, name):
        raise UnknownSubject(f"{path!r}: {module} has no {name!r}; it has {_public(vars(found), module)}")
    return getattr(found, name)


def columns_at(path: str, *, device: str, model: object = None, name: str = "") -> tuple[Column, ...]:
    """The columns that the class, the factory or the function of columns at `path` makes.

    It is called without arguments, but for `device` and `model` if it takes arguments of these names. `name` is what
    a user calls the subject, if that is not the path.

    Raises:
        UnknownSubject: it is not there, it raises, or it makes something else.
    """
    maker = object_at(path)
    if not callable(maker):
        raise UnknownSubject(f"{path!r} is {_kind(maker)}; name a class, a factory of subjects, or one of columns")
    arguments = _arguments(path, maker, device=device, model=model)
    try:
        made = maker(**arguments)
    except AdapterBroken as broken:
        raise UnknownSubject(f"subject {(name or path)!r} cannot be had here: {broken}") from broken
    except Exception as error:
        raise UnknownSubject(f"subject {(name or path)!r} raised {_said(error)}") from error
    return _columns(path, made)


def _arguments(path: str, maker: Callable[..., object], *, device: str, model: object) -> dict[str, object]:
    try:
        taken = inspect.signature(maker).parameters
    except ValueError:
        taken = inspect.Signature().parameters
    if model is not None and "model" not in taken:
        raise UnknownSubject(f"{path!r} takes no model: leave --model out, or give it an argument `model`")
    wanted = {"device": device, "model": model}
    return {name: value for name, value in wanted.items() if name in taken and value is not None}


def _columns(path: str, made: object) -> tuple[Column, ...]:
    found = tuple(made) if isinstance(made, tuple | list) else (made,)
    columns = tuple(each if isinstance(each, Column) else _column(path, each) for each in found)
    for column in columns:
        _column(path, column.subject)
    names = [column.name for column in columns]
    if len(set(names)) < len(names) or names[:1] != [""] or not all(map(_COLUMN.fullmatch, names)):
        raise UnknownSubject(
            f"{path!r} makes columns {names}: give one or more, the first without a name, the others each a name of "
            "letters, digits and spaces"
        )
    return columns


def _column(path: str, made: object) -> Column:
    """The object as the only column.

    Raises:
        UnknownSubject: it is no subject.
    """
    lacking = [f"{name} ({kind.__name__})" for name, kind in PARTS.items() if not isinstance(_part(made, name), kind)]
    lacking += [] if callable(_part(made, "start")) else ["start (method)"]
    if lacking:
        raise UnknownSubject(f"{path!r} makes {_kind(made)}, which lacks {', '.join(lacking)}; see {GUIDE}")
    try:
        replacements_of(made)
    except TypeError as error:
        raise UnknownSubject(f"{path!r} makes {_kind(made)}, whose {error}") from None
    return Column(cast("Subject", made))


def _part(made: object, name: str) -> object:
    return getattr(made, name, None)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _kind(value: object) -> str:
    return f"an object of {type(value).__qualname__}"


def _public(names: Mapping[str, object], module: str) -> str:
    """What the module defines itself and might have been meant."""
    own = [
        name
        for name, value in names.items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == module
    ]
    return ", ".join(own[:_SHOWN]) or "no class and no function of its own"
