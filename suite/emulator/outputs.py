"""The tensors in whatever a captured function returned."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from torch import Tensor


def output_tensors(value: object) -> Iterator[Tensor]:
    """Tensors in nested lists, tuples, mappings, dataclasses and plain objects, each once per mention."""
    return _walk(value, seen=set())


def _walk(value: object, *, seen: set[int]) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
        return
    if id(value) in seen or isinstance(value, str | bytes | int | float | bool | None | type):
        return
    seen.add(id(value))
    for part in _parts(value):
        yield from _walk(part, seen=seen)


def _parts(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, each.name) for each in dataclasses.fields(value)]
    return list(getattr(value, "__dict__", {}).values())
