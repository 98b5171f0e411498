"""Routes `torch.cuda`'s graph names, and their neighbours, to an emulated device, and puts them all back.

The one place of the suite that replaces names of a third party. Code that was written for a GPU runs
unmodified under `routed`, unless it keeps names that it imported before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NoReturn

import torch
from torch import Tensor

from suite.emulator import open_capture
from suite.emulator.device import EmulatedDevice
from suite.emulator.errors import EmulatorError
from suite.emulator.graph import EmulatedGraph
from suite.emulator.open_capture import ErrorMode
from suite.emulator.sites import current_site
from suite.emulator.streams import EmulatedEvent, EmulatedStream, StreamStack

MEMORY_BYTES = 16 << 30
"""Total memory that `mem_get_info` reports."""


class _Route:
    """The device that is routed, at most one in a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._device: EmulatedDevice | None = None

    def enter(self, device: EmulatedDevice) -> bool:
        """Take the route if it is free."""
        if not self._lock.acquire(blocking=False):
            return False
        self._device = device
        return True

    def leave(self) -> None:
        self._device = None
        self._lock.release()

    def device(self) -> EmulatedDevice:
        if self._device is None:
            raise EmulatorError(f"CUDAGraph() at {current_site()}: no device is routed; make it inside routed()")
        return self._device


_ROUTE = _Route()


@contextmanager
def routed(device: EmulatedDevice) -> Iterator[EmulatedDevice]:
    """Let `torch.cuda` and `torch.accelerator` mean this device until the block ends, for the whole process.

    Raises:
        EmulatorError: a device is routed already.
    """
    if not _ROUTE.enter(device):
        raise EmulatorError(f"routed() at {current_site()}: a device is routed already; leave that block first")
    undo: list[Callable[[], None]] = []
    try:
        for module, names in _routes(device):
            undo.extend(_replace(module, name, value) for name, value in names.items())
        yield device
    finally:
        for restore in reversed(undo):
            restore()
        _ROUTE.leave()


def _replace(module: ModuleType, name: str, value: object) -> Callable[[], None]:
    """Set a module's name and return what puts it back; names that were not there go away again."""
    if not hasattr(module, name):
        setattr(module, name, value)
        return lambda: delattr(module, name)
    before = getattr(module, name)
    setattr(module, name, value)
    return lambda: setattr(module, name, before)


def _routes(device: EmulatedDevice) -> list[tuple[ModuleType, dict[str, object]]]:
    streams = StreamStack(device.device)
    shared = _shared_names(device, streams)
    cuda = {**shared, **_cuda_names(device, streams), **_graph_names(device, streams)}
    # Whether there is an accelerator stays torch's own answer: library code makes tensors where it points.
    accelerator = {
        **shared,
        "current_device_index": _constant(0),
        "get_memory_info": _asking(lambda: _memory_info(device)),
    }
    return [(torch.cuda, cuda), (torch.accelerator, accelerator)]


def _constant(value: object) -> Callable[..., object]:
    def answer(*_args: object, **_kwargs: object) -> object:
        return value

    return answer


def _asking(question: Callable[[], object]) -> Callable[..., object]:
    """A function that takes whatever torch's own takes, a device mostly, and does not care."""

    def answer(*_args: object, **_kwargs: object) -> object:
        return question()

    return answer


def _shared_names(device: EmulatedDevice, streams: StreamStack) -> dict[str, object]:
    """What `torch.cuda` and `torch.accelerator` have in common."""
    retained = _asking(lambda: device.facts.retained_bytes)
    return {
        "synchronize": _asking(device.synchronize),
        "empty_cache": _asking(lambda: open_capture.refuse_unsafe("empty_cache")),
        "device_count": _constant(1),
        "current_stream": streams.current,
        "set_stream": streams.set,
        "memory_allocated": retained,
        "memory_reserved": retained,
        "max_memory_allocated": retained,
        "max_memory_reserved": retained,
        "reset_peak_memory_stats": _constant(None),
    }


def _cuda_names(device: EmulatedDevice, streams: StreamStack) -> dict[str, object]:
    return {
        "is_available": _constant(True),
        "Stream": EmulatedStream,
        "Event": EmulatedEvent,
        "stream": streams.use,
        "default_stream": streams.default,
        "current_device": _constant(0),
        "mem_get_info": _asking(lambda: _memory_info(device)),
        "manual_seed": _seed,
        "manual_seed_all": _seed,
        "get_rng_state": _asking(torch.get_rng_state),
        "set_rng_state": _set_random_state,
        "get_device_properties": _constant(_Properties()),
        "get_device_capability": _constant((9, 0)),
        "get_device_name": _constant("emulated"),
    }


def _seed(seed: int) -> None:
    """Device operations draw from the CPU's generator."""
    torch.default_generator.manual_seed(seed)


def _set_random_state(state: Tensor, *_device: object) -> None:
    torch.set_rng_state(state)


class CUDAGraph(EmulatedGraph):
    """Stands for `torch.cuda.CUDAGraph`; it belongs to the device that is routed when it is made."""

    def __init__(self, keep_graph: bool = False) -> None:
        super().__init__(_ROUTE.device().state)


def _graph_names(device: EmulatedDevice, streams: StreamStack) -> dict[str, object]:
    @contextmanager
    def graph(
        cuda_graph: EmulatedGraph,
        pool: Hashable | None = None,
        stream: EmulatedStream | None = None,
        capture_error_mode: ErrorMode = "global",
        **_options: object,
    ) -> Iterator[None]:
        """Stands for `torch.cuda.graph`."""
        with streams.use(stream):
            cuda_graph.capture_begin(pool=pool, capture_error_mode=capture_error_mode)
            try:
                yield
            except BaseException:
                cuda_graph.abandon()
                raise
            cuda_graph.capture_end()

    return {
        "CUDAGraph": CUDAGraph,
        "graph": graph,
        "graph_pool_handle": device.new_pool,
        "is_current_stream_capturing": open_capture.capturing_here,
        "make_graphed_callables": _refuse_graphed_callables,
    }


def _refuse_graphed_callables(*_args: object, **_kwargs: object) -> NoReturn:
    raise EmulatorError(
        f"make_graphed_callables at {current_site()} is not emulated, because it captures backward passes too; "
        "capture the forward with torch.cuda.graph"
    )


def _memory_info(device: EmulatedDevice) -> tuple[int, int]:
    return MEMORY_BYTES - device.facts.retained_bytes, MEMORY_BYTES


class _Properties:
    """Stands for what `torch.cuda.get_device_properties` returns."""

    name = "emulated"
    major, minor = 9, 0
    total_memory = MEMORY_BYTES
    multi_processor_count = 1
