"""What torch keeps for the whole process and every caller relies on: modes, defaults, random numbers, flags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.backends import cudnn

State = Mapping[str, object]


def _set_cudnn(name: str) -> Callable[[Any], None]:
    return lambda value: setattr(cudnn, name, value)


def _set_default_device(device: torch.device) -> None:
    # A default that is set, be it the one of old, is a mode around every operation, and a guard in every trace.
    torch.set_default_device(None)
    if torch.get_default_device() != device:
        torch.set_default_device(device)


_PARTS: dict[str, tuple[Callable[[], object], Callable[[Any], object]]] = {
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "autocast on the CPU": (
        lambda: torch.is_autocast_enabled("cpu"),
        lambda value: torch.set_autocast_enabled("cpu", value),
    ),
    "autocast on CUDA": (
        lambda: torch.is_autocast_enabled("cuda"),
        lambda value: torch.set_autocast_enabled("cuda", value),
    ),
    "dtype of autocast on the CPU": (
        lambda: torch.get_autocast_dtype("cpu"),
        lambda value: torch.set_autocast_dtype("cpu", value),
    ),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (torch.get_default_device, _set_default_device),
    "random numbers": (torch.get_rng_state, torch.set_rng_state),
    "deterministic algorithms": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "cuDNN's deterministic": (lambda: cudnn.deterministic, _set_cudnn("deterministic")),
    "cuDNN's benchmark": (lambda: cudnn.benchmark, _set_cudnn("benchmark")),
    "precision of matrix products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
}
"""How each part is asked for, and how it is put back."""


def process_state() -> State:
    """Every part as it is now, by name."""
    return {name: ask() for name, (ask, _) in _PARTS.items()}


def changes(before: State) -> tuple[str, ...]:
    """Names of the parts that are not now what they were."""
    return tuple(name for name, now in process_state().items() if not _same(now, before[name]))


@contextmanager
def process_kept() -> Iterator[State]:
    """The state at the beginning; what differs at the end is put back, so that nobody after suffers from it."""
    before = process_state()
    try:
        yield before
    finally:
        for name in changes(before):
            _PARTS[name][1](before[name])


def _same(one: object, other: object) -> bool:
    return torch.equal(one, other) if isinstance(one, Tensor) and isinstance(other, Tensor) else one == other
