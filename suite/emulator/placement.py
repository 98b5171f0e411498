"""Which tensors count as being on the device, and how an operation on them reaches the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol

import torch
from torch import Tensor
from torch._ops import OpOverload

from suite.emulator.errors import CaptureRefused
from suite.emulator.memory import Span, adopt
from suite.emulator.refusals import Refusal


class Runner(Protocol):
    """Who runs device operations: eager execution, or the recorder of a capture."""

    capturing: bool

    def execute(self, func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Run one operation on CPU tensors that hold the values of device tensors."""
        ...

    def refuse(self, kind: type[CaptureRefused], refusal: Refusal) -> NoReturn:
        """Raise an error of that kind; in a capture, spoil it as well."""
        ...

    def keep(self, scalar: Tensor) -> Tensor:
        """A copy of a host scalar that lives as long as the operation may be run again."""
        ...


class Placement(Protocol):
    """How device tensors are told from host tensors."""

    @property
    def device(self) -> torch.device:
        """The device of device tensors."""
        ...

    def on_device(self, tensor: Tensor) -> bool:
        """Whether the tensor counts as being on the device."""
        ...

    def translate(
        self, func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object], runner: Runner
    ) -> object:
        """Run an operation: host operations as they are, device operations through the runner."""
        ...

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """Zeros on the device."""
        ...

    def inner(self, tensor: Tensor) -> Tensor:
        """The CPU tensor that holds the values of a device tensor; host tensors are their own."""
        ...

    def outer(self, tensor: Tensor) -> Tensor:
        """The device tensor with the values of a CPU tensor, in the same memory."""
        ...


class SingleDevice:
    """The fast form: every tensor is taken to be on the device, so host and device cannot be told apart."""

    device = torch.device("cpu")

    def on_device(self, tensor: Tensor) -> bool:
        """Always."""
        return True

    def translate(
        self, func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object], runner: Runner
    ) -> object:
        """Every operation is a device operation."""
        return runner.execute(func, args, kwargs)

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """Zeros on the CPU."""
        return torch.zeros(tuple(shape), dtype=dtype)

    def inner(self, tensor: Tensor) -> Tensor:
        """The tensor itself."""
        return tensor

    def outer(self, tensor: Tensor) -> Tensor:
        """The tensor itself."""
        return tensor


def unowned(tensor: Tensor) -> Tensor:
    """A tensor over the same bytes as this CPU tensor, which does not keep them alive."""
    storage = tensor.untyped_storage()
    return adopt(tensor, span=Span(storage.data_ptr(), storage.nbytes()))
