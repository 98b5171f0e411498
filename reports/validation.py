"""From decoded JSON to the dataclasses of the schema; errors name field, value and valid choices."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from reports.encoding import Json, cut
from reports.schema import KINDS, Line

Shape = TypeVar("Shape")


class RecordError(ValueError):
    """A line or a file does not follow the schema: the text says where, and what would be valid."""


def parse(line: Json, *, strict: bool = False) -> Line:
    """The record that one decoded line holds. `strict` refuses fields that the schema does not have.

    Raises:
        RecordError: no object, an unknown kind, a missing field, or a value of the wrong type.
    """
    if not isinstance(line, dict):
        raise RecordError(f"a record is a JSON object, got {_show(line)}")
    kind = line.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise RecordError(f"kind: {_show(kind)} is not one of {', '.join(KINDS)}")
    rest = {name: value for name, value in line.items() if name != "kind"}
    return build(KINDS[kind], rest, where=kind, strict=strict)


def build(shape: type[Shape], data: Mapping[str, Json], *, where: str, strict: bool = False) -> Shape:
    """An instance of the dataclass `shape` from an object; `where` is the path that errors name.

    Raises:
        RecordError: a missing field, an unknown field (if strict), or a value of the wrong type.
    """
    known, hints = _layout(shape)
    unknown = sorted(set(data) - set(known))
    if unknown and strict:
        raise RecordError(f"{where}: unknown field {_show(unknown[0])}; valid fields: {', '.join(known)}")
    missing = [name for name, field in known.items() if name not in data and _required(field)]
    if missing:
        raise RecordError(f"{where}: the field {missing[0]!r} is missing")
    given = {name: data[name] for name in known if name in data}
    values = {name: _value(hints[name], value, f"{where}.{name}", strict) for name, value in given.items()}
    try:
        return shape(**values)
    except RecordError:
        raise
    except ValueError as error:
        raise RecordError(f"{where}: {error}") from None


Layout = tuple[dict[str, Field[object]], dict[str, object]]
_LAYOUTS: dict[type[object], Layout] = {}


def _layout(shape: type[object]) -> Layout:
    """Fields and resolved type hints of a dataclass; resolving is slow, and lines are many."""
    if shape not in _LAYOUTS:
        if not is_dataclass(shape):
            raise TypeError(f"{shape.__name__} is not a dataclass of the schema")
        _LAYOUTS[shape] = ({field.name: field for field in fields(shape)}, get_type_hints(shape))
    return _LAYOUTS[shape]


def _required(field: Field[object]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _show(value: object) -> str:
    return cut(repr(value), 80)


def _value(hint: object, value: Json, where: str, strict: bool) -> object:
    origin = get_origin(hint)
    if origin is Literal:
        return _choice(hint, value, where)
    if origin in (Union, types.UnionType):
        return _optional(hint, value, where, strict)
    if origin is tuple:
        return _sequence(hint, value, where, strict)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(hint, value, where, strict)
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, dict):
            raise RecordError(f"{where}: expected an object, got {_show(value)}")
        return build(hint, value, where=where, strict=strict)
    return _scalar(hint, value, where)


def _choice(hint: object, value: Json, where: str) -> Json:
    choices = get_args(hint)
    if value not in choices:
        raise RecordError(f"{where}: {_show(value)} is not one of {', '.join(map(str, choices))}")
    return value


def _optional(hint: object, value: Json, where: str, strict: bool) -> object:
    if value is None:
        return None
    inner = [arg for arg in get_args(hint) if arg is not type(None)]
    if len(inner) > 1 and all(is_dataclass(each) for each in inner):
        return _of_kind({str(getattr(each, "KIND", "")): each for each in inner}, value, where, strict)
    # The schema's other unions are `X | None`, and `Json` itself, which takes anything.
    return _value(inner[0], value, where, strict) if len(inner) == 1 else value


def _of_kind(shapes: Mapping[str, type[object]], value: Json, where: str, strict: bool) -> object:
    """The shape that the object's `kind` names; one of a later release is left out, as unknown fields are."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        raise RecordError(f"{where}: expected an object with a kind, got {_show(value)}")
    if kind not in shapes:
        if strict:
            raise RecordError(f"{where}.kind: {_show(kind)} is not one of {', '.join(shapes)}")
        return None
    return build(
        shapes[kind], {name: each for name, each in value.items() if name != "kind"}, where=where, strict=strict
    )


def _sequence(hint: object, value: Json, where: str, strict: bool) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise RecordError(f"{where}: expected a list, got {_show(value)}")
    inner = get_args(hint)[0]
    return tuple(_value(inner, entry, f"{where}[{index}]", strict) for index, entry in enumerate(value))


def _mapping(hint: object, value: Json, where: str, strict: bool) -> dict[str, object]:
    if not isinstance(value, dict):
        raise RecordError(f"{where}: expected an object, got {_show(value)}")
    inner = get_args(hint)[1]
    return {key: _value(inner, entry, f"{where}[{_show(key)}]", strict) for key, entry in value.items()}


def _scalar(hint: object, value: Json, where: str) -> object:
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _float(value, where)
    if isinstance(hint, type) and type(value) is hint:
        return value
    name = hint.__name__ if isinstance(hint, type) else str(hint)
    raise RecordError(f"{where}: expected {name}, got {_show(value)}")


def _float(value: int | float, where: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise RecordError(f"{where}: {_show(value)} is too large for a float") from None
