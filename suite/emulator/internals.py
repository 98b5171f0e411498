"""The private names of torch and of Python that the emulator stands on, so that an upgrade breaks one file.

None of these has a public equivalent: a storage's identity, an operation's
schema, wrapper tensors, the registration of a device that lives in Python, and the caller's frame.
"""
# ruff: noqa: SLF001 - reaching private names is this file's one job; the paragraph above says why it must

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import FrameType

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
_ON_CPU = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
NO_TORCH_FUNCTION = torch._C._disabled_torch_function_impl
"""For tensor subclasses that have no `__torch_function__` of their own."""


def storage_key(tensor: Tensor) -> int:
    """What identifies a living storage."""
    key: int = tensor.untyped_storage()._cdata
    return key


def generator_key(generator: torch.Generator) -> int:
    """What identifies a generator: the dispatcher hands out a new Python object for it each time."""
    key: int = generator._cdata  # type: ignore[attr-defined]  # torch's stub leaves it out
    return key


def qualified_name(operation: OpOverload) -> str:
    """Namespace and name, without the overload: `aten::add`."""
    name: str = operation._schema.name
    return name


def overload_name(operation: OpOverload) -> str:
    """The overload, or `default`."""
    name: str = operation._overloadname
    return name


def run_kernel(operation: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
    """Run the CPU kernel of an operation past the modes that are on, which see what the kernel calls."""
    result: object = operation.redispatch(_ON_CPU, *args, **kwargs)
    return result


def written_arguments(operation: OpOverload) -> Iterator[tuple[int, str]]:
    """Position and name of the arguments that an operation writes to."""
    for position, argument in enumerate(operation._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield position, argument.name


def is_composite(operation: OpOverload) -> bool:
    """Whether the operation is defined by other operations, for every device and for autograd."""
    found: bool = operation.has_kernel_for_dispatch_key(_COMPOSITE)
    return found


def run_composite(operation: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
    """Run the operations that define it, by the kernel that eager execution uses (`decompose` may choose another)."""
    result: object = operation._op_dk(_COMPOSITE, *args, **kwargs)
    return result


def empty_wrapper(cls: type[Tensor], inner: Tensor, *, device: torch.device) -> Tensor:
    """A tensor of the subclass with the layout of another, on a device, with no memory of its own."""
    wrapper: Tensor = Tensor._make_wrapper_subclass(
        cls,
        inner.shape,
        strides=inner.stride(),
        storage_offset=inner.storage_offset(),
        dtype=inner.dtype,
        device=device,
    )
    return wrapper


def without_modes() -> AbstractContextManager[object]:
    """Switches off all dispatch and function modes of this thread for a block."""
    modes: AbstractContextManager[object] = _disable_current_modes()
    return modes


def below_python() -> AbstractContextManager[object]:
    """Operations in the block treat wrapper tensors as the plain metadata they are."""
    guard: AbstractContextManager[object] = no_dispatch()
    return guard


def register_device(name: str, *, module: object) -> None:
    """Tell torch of a device that lives in Python. Experimental, and cannot be undone."""
    _setup_privateuseone_for_python_backend(name, backend_module=module)


def calling_frame() -> FrameType | None:
    """The frame that called the caller."""
    return sys._getframe(2)


def set_data(tensor: Tensor, value: Tensor) -> None:
    """What `tensor.data = value` does for plain tensors: takes over shape, strides and dtype."""
    vars(torch._C.TensorBase)["data"].__set__(tensor, value)
