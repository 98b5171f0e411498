"""The second device: tensors on `emu:0` that hold a CPU tensor, and the border between it and the host.

On plain CPU tensors a host index, `.to(device)` or a legal `.item()` of a host tensor cannot be told from
their device counterparts. Here they can: mixing is refused, and in a capture so is every copy over the border.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn

import torch
from torch import Tensor
from torch._ops import OpOverload

from suite.emulator.errors import CaptureRefused, HostCopyRefused, MixedDevices, NotEmulated
from suite.emulator.internals import NO_TORCH_FUNCTION, below_python, empty_wrapper, run_composite, set_data
from suite.emulator.memory import Label
from suite.emulator.nature import Nature, nature_of, tensors_in
from suite.emulator.placement import Runner
from suite.emulator.refusals import Refusal
from suite.emulator.sites import current_site

DEVICE_NAME = "emu"
HOST = torch.device("cpu")
_COPIES = frozenset(("_to_copy", "copy_"))
_TAKES_HOST_INDICES = frozenset(("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"))
_LAYOUT_CHANGES = frozenset(("detach_", "t_", "transpose_", "squeeze_", "unsqueeze_"))


class DeviceTensor(Tensor):
    """A tensor on `emu:0`; `held` is the CPU tensor that holds its values."""

    held: Tensor
    __torch_function__ = NO_TORCH_FUNCTION  # type: ignore[assignment]  # torch's own stub of it is imprecise

    @staticmethod
    def __new__(cls: type[DeviceTensor], held: Tensor) -> DeviceTensor:
        """Wrap a CPU tensor; nothing is copied."""
        device = torch.device(DEVICE_NAME, 0)
        if held.is_inference() == torch.is_inference_mode_enabled():
            outer = empty_wrapper(cls, held, device=device)
        else:
            # A view of an ordinary tensor is ordinary under inference_mode too, and autograd insists on it.
            with torch.inference_mode(held.is_inference()):
                outer = empty_wrapper(cls, held, device=device)
        if not isinstance(outer, DeviceTensor):
            raise TypeError(f"torch made a {type(outer).__name__} where a DeviceTensor was asked for")
        outer.held = held.detach() if held.requires_grad else held
        return outer

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # torch's stub leaves the operation out
        cls,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run an operation outside captures."""
        if nature_of(func).composite:
            return run_composite(func, args, kwargs or {})
        return cross(func, args, kwargs or {}, EAGER)

    @property
    def data(self) -> Tensor:
        """As `Tensor.data`."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, DeviceTensor):
            where = f"`.data = ` at {current_site()}"
            raise MixedDevices(f"{where}: the value is on {value.device}, not on {self.device}; move it there")
        set_data(self, value)
        self.held = value.held

    def data_ptr(self) -> int:
        """The address of the values."""
        return self.held.data_ptr()

    def untyped_storage(self) -> torch.UntypedStorage:
        """The storage of the values."""
        return self.held.untyped_storage()

    def tolist(self) -> list[object]:
        """The values as nested lists: a copy to the host, refused in a capture."""
        values: list[object] = self.to(HOST).tolist()
        return values

    def numpy(self, *, force: bool = False) -> NoReturn:
        """Refused as CUDA refuses it.

        Raises:
            TypeError: always.
        """
        raise TypeError("can't convert an emu:0 tensor to numpy; copy it to the host with Tensor.cpu() first")

    def __format__(self, format_spec: str) -> str:
        """A number as Python formats it, which asks the device for its value; other tensors as they print."""
        return format(self.item(), format_spec) if self.dim() == 0 else format(repr(self), format_spec)

    def __deepcopy__(self, memo: dict[int, object]) -> Tensor:
        """A device tensor with a copy of the values."""
        copied: Tensor = DeviceTensor(self.held.clone())
        if isinstance(self, torch.nn.Parameter):
            copied = torch.nn.Parameter(copied, self.requires_grad)
        memo[id(self)] = copied
        return copied


class _Eager:
    """Runs device operations at once."""

    capturing = False

    def execute(self, func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Run it."""
        return func(*args, **kwargs)

    def refuse(self, kind: type[CaptureRefused], refusal: Refusal) -> NoReturn:
        """Raise it."""
        raise kind(f"{refusal.operation} at {current_site()} is refused: {refusal.reason}")

    def keep(self, scalar: Tensor) -> Tensor:
        """The scalar itself."""
        return scalar


EAGER = _Eager()


def cross(func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object], runner: Runner) -> object:
    """Run one operation whose arguments may be on either side of the border."""
    nature = nature_of(func)
    remote = [each for each in tensors_in((*args, *kwargs.values())) if isinstance(each, DeviceTensor)]
    on_device = _aim(kwargs, default=bool(remote))
    if not remote and not on_device:
        return func(*args, **kwargs)
    if nature.name in _COPIES:
        return _copy(func, args, kwargs, runner)
    if not nature.metadata_only:
        args = _admitted(args, nature, runner)
    bare, named = _bare(args), _bare_named(kwargs)
    if not on_device:
        return func(*bare, **named)
    if nature.layout_only and nature.name not in _LAYOUT_CHANGES:
        reason = "it would change the storage of a device tensor, which wrapper tensors cannot follow"
        runner.refuse(NotEmulated, Refusal(nature.full_name, reason))
    result = runner.execute(func, bare, named)
    if nature.layout_only:
        with below_python():
            func(*args, **kwargs)
    return _wrapped(result, _owners(remote))


def _aim(kwargs: Mapping[str, object], *, default: bool) -> bool:
    """Whether the result of an operation lies on the device."""
    asked = kwargs.get("device")
    return asked.type == DEVICE_NAME if isinstance(asked, torch.device) else default


def _copy(func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object], runner: Runner) -> object:
    """Copies within the device are operations like others; over the border they need the host to wait."""
    nature = nature_of(func)
    in_place = nature.name == "copy_"
    source = args[1] if in_place else args[0]
    from_device = isinstance(source, DeviceTensor)
    to_device = isinstance(args[0], DeviceTensor) if in_place else _aim(kwargs, default=from_device)
    bare, named = _bare(args), _bare_named(kwargs)
    if from_device and to_device:
        return _wrapped(runner.execute(func, bare, named), _owners(tensors_in(args)))
    if runner.capturing and isinstance(source, Tensor):
        label = Label(source.dtype, tuple(source.shape))
        reason = f"it copies {label} {'to the host' if from_device else 'from pageable host memory'}"
        runner.refuse(HostCopyRefused, Refusal(nature.full_name, reason))
    result = func(*bare, **named)
    if in_place:
        return args[0]
    return _wrapped(result, {}) if to_device else result


def _admitted(args: Sequence[object], nature: Nature, runner: Runner) -> tuple[object, ...]:
    """Host scalars are arguments of a kernel, host indices are copied over; other host tensors are mistakes."""

    def admit(tensor: Tensor) -> Tensor:
        if isinstance(tensor, DeviceTensor):
            return tensor
        name = Label(tensor.dtype, tuple(tensor.shape))
        if nature.name in _TAKES_HOST_INDICES and tensor is not args[0]:
            if runner.capturing and tensor.dim() > 0:
                reason = f"the host index {name} is copied from pageable memory"
                runner.refuse(HostCopyRefused, Refusal(nature.full_name, reason))
            return runner.keep(tensor)
        if tensor.dim() == 0 and nature.takes_host_scalars:
            return runner.keep(tensor)
        reason = f"{name} is on the host, other arguments are on {DEVICE_NAME}:0"
        return runner.refuse(MixedDevices, Refusal(nature.full_name, reason))

    return tuple(_mapped(value, admit) for value in args)


def _bare(args: Sequence[object]) -> tuple[object, ...]:
    return tuple(_mapped(value, _held) for value in args)


def _bare_named(kwargs: Mapping[str, object]) -> dict[str, object]:
    return {name: _mapped(value, _held) for name, value in kwargs.items()}


def _held(tensor: Tensor) -> Tensor:
    return tensor.held if isinstance(tensor, DeviceTensor) else tensor


def _owners(tensors: Iterable[Tensor]) -> dict[int, Tensor]:
    """Device tensors by the identity of what they hold, so that in-place operations return what they got."""
    return {id(each.held): each for each in tensors if isinstance(each, DeviceTensor)}


def _mapped(value: object, change: Callable[[Tensor], Tensor]) -> object:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, torch.device):
        return HOST if value.type == DEVICE_NAME else value
    if isinstance(value, list):
        return [_mapped(each, change) for each in value]
    if isinstance(value, tuple):
        return tuple(_mapped(each, change) for each in value)
    return value


def _wrapped(result: object, owners: Mapping[int, Tensor]) -> object:
    if isinstance(result, Tensor):
        return owners[id(result)] if id(result) in owners else DeviceTensor(result)
    if isinstance(result, list):
        return [_wrapped(each, owners) for each in result]
    if isinstance(result, tuple):
        return tuple(_wrapped(each, owners) for each in result)
    return result
