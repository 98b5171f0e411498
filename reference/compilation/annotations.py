"""What an annotation of an argument says of tensors, in every way that Python has to write it (SPEC D4)."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

_TENSOR_WORD = re.compile(r"\b(\w+\.)?\w*Tensor\b")
_CONTAINERS = (list, tuple, Sequence, dict, Mapping)


def resolved(annotation: object, function: Callable[..., object]) -> object:
    """The annotation as an object; as text, if its names exist for type checkers only."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, getattr(function, "__globals__", {}))
    except Exception:
        return annotation


def members(annotation: object) -> tuple[object, ...]:
    """The alternatives of a union, or the annotation alone."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def is_tensor(annotation: object) -> bool:
    """Whether an annotation without alternatives is a tensor: `Tensor`, `FloatTensor` and their like."""
    if isinstance(annotation, str):
        return bool(_TENSOR_WORD.fullmatch(annotation.strip()))
    if typing.get_origin(annotation) is typing.Annotated:
        return is_tensor(typing.get_args(annotation)[0])
    return isinstance(annotation, type) and (issubclass(annotation, Tensor) or isinstance(annotation, _LEGACY))


_LEGACY = type(torch.FloatTensor)


def holds_tensor(annotation: object) -> bool:
    """Whether a tensor may come: alone, optional, or in a list, tuple or mapping."""
    if isinstance(annotation, str):
        return bool(_TENSOR_WORD.search(annotation))
    if is_tensor(annotation):
        return True
    origin = typing.get_origin(annotation)
    inner = typing.get_args(annotation)
    looks_inside = origin in (typing.Union, types.UnionType) or origin in _CONTAINERS
    inside = looks_inside or (isinstance(origin, type) and issubclass(origin, _CONTAINERS))
    return inside and any(holds_tensor(each) for each in inner)


def only_tensors(annotation: object) -> bool:
    """Whether nothing but a tensor, or None, is taken."""
    if isinstance(annotation, str):
        words = [word.strip() for word in re.sub(r"Optional\[(.*)\]", r"\1", annotation).split("|")]
        return any(map(is_tensor, words)) and all(is_tensor(word) or word == "None" for word in words)
    found = [each for each in members(annotation) if each is not types.NoneType and each is not None]
    return bool(found) and all(map(is_tensor, found))


def is_optional(annotation: object) -> bool:
    """Whether None is taken."""
    if isinstance(annotation, str):
        return "None" in annotation or "Optional" in annotation
    return types.NoneType in members(annotation) or annotation is None


def only_plain(annotation: object) -> bool:
    """Whether only numbers, flags, texts or None are taken."""
    return all(each in (int, float, bool, str, types.NoneType) for each in members(annotation))


def is_of_tensors(value: object) -> bool:
    """Whether it is a mapping of tensors: transformers hands over one mask per kind of layer, and writes Tensor."""
    return isinstance(value, Mapping) and all(each is None or isinstance(each, Tensor) for each in value.values())


def spelled(annotation: object) -> str:
    """The types of an annotation in words."""
    return " or ".join(each.__name__ for each in members(annotation) if isinstance(each, type))
