"""Telling torch that a device called `emu` exists: once per process, because it cannot be undone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch._ops import OpOverload

from suite.emulator import open_capture
from suite.emulator.accelerator import DEVICE_NAME, EAGER, DeviceTensor, cross
from suite.emulator.errors import HostCopyRefused
from suite.emulator.internals import register_device
from suite.emulator.memory import Label
from suite.emulator.placement import Runner
from suite.emulator.sites import current_site

_FACTORIES = (
    "empty.memory_format",
    "empty_strided",
    "empty_permuted",
    "zeros",
    "ones",
    "full",
    "eye",
    "eye.m",
    "arange",
    "arange.start",
    "arange.start_step",
    "linspace",
    "logspace",
    "scalar_tensor",
    "rand",
    "rand.generator",
    "randn",
    "randn.generator",
    "randint",
    "randint.low",
    "randint.generator",
    "randint.low_generator",
    "randperm",
    "randperm.generator",
    "tril_indices",
    "triu_indices",
)
"""Operations that make a tensor from nothing; torch finds those of a device by registration alone."""


class _DeviceModule:
    """What torch asks of `torch.emu`."""

    def is_initialized(self) -> bool:
        """Always."""
        return True

    def is_available(self) -> bool:
        """Always."""
        return True

    def current_device(self) -> int:
        """The only one."""
        return 0

    def device_count(self) -> int:
        """One."""
        return 1

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        """Nothing: device operations draw from the CPU's generator."""

    def get_rng_state(self, device: object = None) -> Tensor:
        """The CPU generator's state, from which device operations draw."""
        return torch.get_rng_state()

    def set_rng_state(self, new_state: Tensor, device: object = None) -> None:
        """Set the CPU generator's state."""
        torch.set_rng_state(new_state)

    def synchronize(self, device: object = None) -> None:
        """Wait for nothing.

        Raises:
            UnsafeCall: a capture is open.
        """
        open_capture.refuse_unsafe("torch.emu.synchronize", device_wide=True)

    def is_current_stream_capturing(self) -> bool:
        """Whether this thread is capturing."""
        return open_capture.capturing_here()


def is_registered() -> bool:
    """Whether this process has the device already; asking does not register it."""
    return _register.cache_info().currsize > 0


def register() -> None:
    """Register the device, once per process.

    Raises:
        RuntimeError: another library has taken torch's one slot for such devices, or torch is too old.
    """
    _register()


@functools.cache
def _register() -> torch.library.Library:
    register_device(DEVICE_NAME, module=_DeviceModule())
    library = torch.library.Library("aten", "IMPL")
    for name in _FACTORIES:
        library.impl(name, _factory(_overload(name)), "PrivateUse1")
    library.impl("_copy_from", _copy_over, "PrivateUse1")
    return library


def _copy_over(source: Tensor, target: Tensor, *_non_blocking: bool) -> Tensor:
    """The copy behind `torch.tensor(..., device="emu")`, which no mode sees."""
    if open_capture.capturing_here():
        label = Label(source.dtype, tuple(source.shape))
        text = f"a copy of {label} at {current_site()} is refused in a capture: it reads pageable host memory"
        open_capture.spoil(text)
        raise HostCopyRefused(text)
    cross(torch.ops.aten.copy_.default, (target, source), {}, EAGER)
    return target


def _overload(name: str) -> OpOverload:
    base, _, overload = name.partition(".")
    found: OpOverload = getattr(getattr(torch.ops.aten, base), overload or "default")
    return found


def _factory(operation: OpOverload) -> Callable[..., object]:
    def make(*args: object, **kwargs: object) -> object:
        kwargs["device"] = torch.device(DEVICE_NAME, 0)
        return cross(operation, args, kwargs, EAGER)

    return make


class TwoDevices:
    """The placement with a device beside the CPU."""

    def __init__(self) -> None:
        register()
        self.device = torch.device(DEVICE_NAME, 0)

    def on_device(self, tensor: Tensor) -> bool:
        """Whether it is a tensor of the second device."""
        return isinstance(tensor, DeviceTensor)

    def translate(
        self, func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object], runner: Runner
    ) -> object:
        """Device operations go to the runner with their inner tensors."""
        return cross(func, args, kwargs, runner)

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """Zeros on the second device."""
        return DeviceTensor(torch.zeros(tuple(shape), dtype=dtype))

    def inner(self, tensor: Tensor) -> Tensor:
        """The CPU tensor with the values."""
        return tensor.held if isinstance(tensor, DeviceTensor) else tensor

    def outer(self, tensor: Tensor) -> Tensor:
        """The device tensor over a CPU tensor."""
        return DeviceTensor(tensor)
