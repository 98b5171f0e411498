"""The calls of a capture that never reach the dispatcher, or reach it too late, seen as Python functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from suite.emulator.errors import HostSyncRefused
from suite.emulator.recorder import Recorder
from suite.emulator.refusals import refused_function

_ONE_HOT = torch.nn.functional.one_hot


class HostFunctions(TorchFunctionMode):
    """Refuses `.tolist()`, `.numpy()`, `.cpu()`, `bool()`, f-strings and the like on device tensors (R7)."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Refuse, or let pass."""
        kwargs = kwargs or {}
        if func is Tensor.__setitem__:
            return self._assign(func, args, kwargs)
        if func is _ONE_HOT:
            return _one_hot(func, args, kwargs)
        refusal = refused_function(func, args)
        if refusal is not None and self._on_device(args):
            self._recorder.refuse(HostSyncRefused, refusal)
        return func(*args, **kwargs)

    def _on_device(self, args: Sequence[object]) -> bool:
        return any(isinstance(arg, Tensor) and self._recorder.placement.on_device(arg) for arg in args)

    def _assign(self, func: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        self._recorder.assigning += 1
        try:
            return func(*args, **kwargs)
        finally:
            self._recorder.assigning -= 1


def _one_hot(func: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> object:
    """As CUDA computes it: with a number of classes given, nothing is checked on the host."""
    classes = args[1] if len(args) > 1 else kwargs.get("num_classes", -1)
    tensor = args[0] if args else kwargs.get("tensor")
    if not isinstance(tensor, Tensor) or not isinstance(classes, int) or classes <= 0:
        return func(*args, **kwargs)
    hot = torch.zeros((*tensor.shape, classes), dtype=tensor.dtype, device=tensor.device)
    return hot.scatter_(-1, tensor.unsqueeze(-1), 1)
