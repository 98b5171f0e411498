"""What makes two calls of one forward need two programs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Variant:
    """What makes two calls need two programs: kinds of arguments, and the modes that torch guards on.

    An argument that is None in one call and a tensor in another is a different program (BUG-C01).
    """

    arguments: tuple[tuple[str, str], ...]
    ambient: tuple[object, ...]

    @classmethod
    def of(cls, arguments: Mapping[str, object], *, training: bool) -> Variant:
        """The variant of one call; sizes are no part of it."""
        kinds = tuple(sorted((name, kind_of(value)) for name, value in arguments.items()))
        return cls(kinds, ambient_of(training=training))


def ambient_of(*, training: bool) -> tuple[object, ...]:
    """The modes around a call that torch guards on."""
    autocast = [str(torch.get_autocast_dtype(each)) for each in ("cpu", "cuda") if torch.is_autocast_enabled(each)]
    return training, torch.is_grad_enabled(), torch.is_inference_mode_enabled(), *autocast


def form_of(value: object) -> Hashable:
    """What `kind_of` says, in a form that is cheap to make for every call."""
    if isinstance(value, Tensor):
        return value.dtype, value.ndim, value.device.type, value.requires_grad
    if isinstance(value, Mapping):
        return tuple((name, form_of(each)) for name, each in value.items())
    if isinstance(value, list | tuple):
        return type(value), *map(form_of, value)
    return (type(value), value) if value is None or isinstance(value, bool | str) else (type(value),)


def kind_of(value: object) -> str:
    """Whatever of one argument tracing bakes apart from sizes: None, dtype, rank and device, or a flag's value."""
    if isinstance(value, Tensor):
        return f"{value.dtype}[{value.ndim}]@{value.device.type}{'+grad' if value.requires_grad else ''}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{kind_of(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({','.join(map(kind_of, value))})"
    if value is None or isinstance(value, bool | str):
        return repr(value)
    return f"{type(value).__module__}.{type(value).__qualname__}"
