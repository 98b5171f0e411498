"""JSON for one line of records: a total encoder and its inverse.

`encode` accepts anything and never raises: what JSON cannot say is said in words. Its output is ASCII
without a line break, so that a records file can be cut at any byte and read again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, "list[Json]", "dict[str, Json]", None]

TEXT_LIMIT = 20_000
"""Characters of one string, the truncation mark included."""
ITEM_LIMIT = 100_000
"""Entries of one list or object."""
DEPTH_LIMIT = 32
BIT_LIMIT = 4_096
"""Bits of an integer that is written as a number: Python refuses to print far larger ones."""

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(obj: object) -> str:
    """One line of ASCII JSON for any object; dataclasses become objects, with their `KIND` as `kind`.

    Non-finite floats become `{"$float": "nan" | "inf" | "-inf"}`; a key that starts with `$` gets a second
    one; oversize strings are cut with an explicit mark; what JSON has no word for becomes its `repr`.
    """
    return json.dumps(_plain(obj, 0), ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def decode(line: str) -> Json:
    """The inverse of `encode` for everything that JSON can say.

    Raises:
        ValueError: the text is not JSON, or is nested too deeply to read.
    """
    try:
        value: Json = json.loads(line, object_hook=_restore)
    except RecursionError:
        raise ValueError("nested too deeply to read") from None
    return value


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text`, at most `limit` characters long; the mark at the end says how many were left out."""
    if len(text) <= limit:
        return text
    mark = f" ...[cut: {len(text)} characters in all]"
    return text[: max(0, limit - len(mark))] + mark


def _restore(pairs: dict[str, Json]) -> Json:
    if len(pairs) == 1:
        name = pairs.get("$float")
        if isinstance(name, str) and name in _NON_FINITE:
            return _NON_FINITE[name]
    return {key[1:] if key.startswith("$$") else key: value for key, value in pairs.items()}


def _plain(obj: object, depth: int) -> Json:
    # The encoder must outlive every object that a failing test hands to it, whatever its methods do.
    try:
        return _convert(obj, depth)
    except Exception as error:
        return f"<{type(obj).__name__} that cannot be encoded: {type(error).__name__}>"


def _convert(obj: object, depth: int) -> Json:
    if obj is None or isinstance(obj, bool):
        return obj
    if isinstance(obj, Enum):
        return _plain(obj.value, depth + 1)
    if isinstance(obj, str):
        return cut(str.__str__(obj))
    if isinstance(obj, int):
        return int(obj) if obj.bit_length() <= BIT_LIMIT else cut(hex(obj))
    if isinstance(obj, float):
        return float(obj) if math.isfinite(obj) else {"$float": "nan" if math.isnan(obj) else str(float(obj))}
    if depth >= DEPTH_LIMIT:
        return f"...[cut: nested deeper than {DEPTH_LIMIT}]"
    return _container(obj, depth)


def _container(obj: object, depth: int) -> Json:
    if is_dataclass(obj) and not isinstance(obj, type):
        kind = getattr(type(obj), "KIND", None)
        named: dict[str, Json] = {} if kind is None else {"kind": str(kind)}
        return named | {field.name: _plain(getattr(obj, field.name), depth + 1) for field in fields(obj)}
    if isinstance(obj, Mapping):
        return _object(obj.items(), depth)
    if isinstance(obj, (list, tuple)):
        return _array(obj, depth)
    if isinstance(obj, (set, frozenset)):
        return _array(sorted(obj, key=encode), depth)
    return cut(repr(obj))


def _object(items: Iterable[tuple[object, object]], depth: int) -> Json:
    plain: dict[str, Json] = {}
    for count, (key, value) in enumerate(items):
        if count == ITEM_LIMIT:
            plain["...[cut]"] = f"more than {ITEM_LIMIT} entries"
            break
        name = cut(key if isinstance(key, str) else str(key))
        plain["$" + name if name.startswith("$") else name] = _plain(value, depth + 1)
    return plain


def _array(items: Iterable[object], depth: int) -> Json:
    plain: list[Json] = []
    for count, value in enumerate(items):
        if count == ITEM_LIMIT:
            plain.append(f"...[cut: more than {ITEM_LIMIT} entries]")
            break
        plain.append(_plain(value, depth + 1))
    return plain
