"""Which operations CUDA refuses in a capture because the host must wait for a value (rule R7).

Torch tags most of them; the tables add what the tags miss and take back what the tags overstate. The reasons
are facts about CUDA kernels, not about the CPU kernels that run here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch._ops import OpOverload

from suite.emulator.internals import overload_name, qualified_name

_SYNCING = frozenset(
    (
        "tensor_split.tensor_indices_or_sections",
        "_linalg_check_errors",
        "linalg_eig",
        "linalg_eigvals",
        "segment_reduce",
        "_pack_padded_sequence",
        "_pin_memory",
        "unique_dim_consecutive",
    )
)
_TAGS = {
    torch.Tag.data_dependent_output,
    torch.Tag.dynamic_output_shape,
    torch.Tag.cudagraph_unsafe,
}

_HOST_FUNCTIONS: dict[Callable[..., object], str] = {
    Tensor.item: "Tensor.item",
    Tensor.tolist: "Tensor.tolist",
    Tensor.numpy: "Tensor.numpy",
    Tensor.cpu: "Tensor.cpu",
    Tensor.__bool__: "bool(tensor)",
    Tensor.__int__: "int(tensor)",
    Tensor.__float__: "float(tensor)",
    Tensor.__complex__: "complex(tensor)",
    Tensor.__index__: "tensor as an index",
    Tensor.__format__: "formatting a tensor",
    Tensor.__repr__: "repr(tensor)",
    Tensor.__array__: "Tensor.__array__",
    Tensor.__contains__: "value in tensor",
    Tensor.is_nonzero: "Tensor.is_nonzero",
    Tensor.pin_memory: "Tensor.pin_memory",
    torch.is_nonzero: "torch.is_nonzero",
    torch.equal: "torch.equal",
    torch.allclose: "torch.allclose",
    torch.tensor_split: "torch.tensor_split",
    Tensor.tensor_split: "Tensor.tensor_split",
}
"""Calls that ask for a value before, or without, reaching the dispatcher."""


Check = Callable[[Sequence[object], Mapping[str, object]], str | None]
"""Says why a call is refused, or None."""


@dataclass(frozen=True)
class Refusal:
    """An operation that is refused, and why."""

    operation: str
    reason: str


def refused_function(function: Callable[..., object], args: Sequence[object]) -> Refusal | None:
    """The refusal of a call at the level of Python functions, before the dispatcher."""
    name = _HOST_FUNCTIONS.get(function)
    if name is None:
        return None
    if name.endswith("tensor_split") and not (len(args) > 1 and isinstance(args[1], Tensor)):
        return None
    return Refusal(name, "the host would have to wait for the device")


def refused_operation(operation: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> Refusal | None:
    """The refusal of an ATen operation in a capture, or None if CUDA records it."""
    check = _check_of(operation)
    reason = check(args, kwargs) if check is not None else None
    return Refusal(str(operation), reason) if reason else None


@functools.cache
def _check_of(operation: OpOverload) -> Check | None:
    name = qualified_name(operation).removeprefix("aten::")
    full = f"{name}.{overload_name(operation)}"
    special = _SPECIAL.get(name)
    if special is not None:
        return special
    if name in _SYNCING or full in _SYNCING or _TAGS & set(operation.tags):
        return _always
    return None


def _always(_args: Sequence[object], _kwargs: Mapping[str, object]) -> str | None:
    return "its result, or the shape of its result, is known only after the device has run"


def _mask_in(indices: object) -> Tensor | None:
    found = indices if isinstance(indices, list | tuple) else ()
    tensors = (index for index in found if isinstance(index, Tensor))
    return next((index for index in tensors if index.dtype in (torch.bool, torch.uint8)), None)


def _index(args: Sequence[object], _kwargs: Mapping[str, object]) -> str | None:
    if _mask_in(args[1]) is None:
        return None
    return "indexing with a boolean mask has a shape that only the device knows; use torch.where"


def _index_put(args: Sequence[object], kwargs: Mapping[str, object]) -> str | None:
    """One number through a mask is a masked fill, which CUDA records; anything else counts the mask first."""
    values = args[2] if len(args) > 2 else kwargs.get("values")
    accumulate = args[3] if len(args) > 3 else kwargs.get("accumulate", False)
    if _mask_in(args[1]) is None or (isinstance(values, Tensor) and values.numel() == 1 and not accumulate):
        return None
    return "writing through a boolean mask counts the mask on the host; use torch.where or masked_fill"


def _repeat_interleave(args: Sequence[object], kwargs: Mapping[str, object]) -> str | None:
    given = kwargs.get("output_size")
    repeats = args[1] if len(args) > 1 else args[0]
    if given is not None or not isinstance(repeats, Tensor):
        return None
    return "the total of the repeats is known only to the device; pass output_size"


_SPECIAL: dict[str, Check] = {
    "index": _index,
    "_unsafe_index": _index,
    "index_put": _index_put,
    "index_put_": _index_put,
    "_index_put_impl_": _index_put,
    "_unsafe_index_put": _index_put,
    "repeat_interleave": _repeat_interleave,
}
