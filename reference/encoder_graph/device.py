"""The seam to the hardware: everything that capture and replay ask of a device (SPEC G5, G6)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch.cuda import _POOL_HANDLE

Outputs = TypeVar("Outputs")


class Graph(Protocol):
    """A captured graph."""

    def replay(self) -> None:
        """Runs what was captured, on the memory it was captured with."""
        ...

    def reset(self) -> None:
        """Destroys the graph; its memory is free for others."""
        ...


class GraphDevice(Protocol):
    """Where encoders run and graphs are captured."""

    @property
    def device(self) -> torch.device:
        """Where tensors live."""
        ...

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """Zeros of that shape, outside any pool."""
        ...

    def new_pool(self) -> Hashable:
        """A pool that several graphs may share."""
        ...

    def warm_up(self, run: Callable[[], object]) -> None:
        """Runs outside a capture, where the capture will run, so that lazy state exists before it."""
        ...

    def capture(self, run: Callable[[], Outputs], *, pool: Hashable | None = None) -> tuple[Graph, Outputs]:
        """Captures `run`; its outputs are undefined until the first replay."""
        ...

    def synchronize(self) -> None:
        """Waits for everything launched."""
        ...

    def pool_bytes(self, pool: Hashable) -> int:
        """Bytes that the pool holds."""
        ...


class CudaGraphDevice:
    """Real graphs on `torch.cuda`: warm-up, capture and replay on one side stream (BUG-G20)."""

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cuda", torch.cuda.current_device())
        self._stream = torch.cuda.Stream()
        self._bytes: dict[Hashable, int] = {}

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """Zeros of that shape, outside any pool."""
        return torch.zeros(tuple(shape), dtype=dtype, device=self.device)

    def new_pool(self) -> Hashable:
        """A pool that several graphs may share."""
        pool: Hashable = torch.cuda.graph_pool_handle()
        return pool

    def warm_up(self, run: Callable[[], object]) -> None:
        """Runs on the capture stream."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            run()
        torch.cuda.current_stream().wait_stream(self._stream)
        torch.cuda.synchronize()

    def capture(self, run: Callable[[], Outputs], *, pool: Hashable | None = None) -> tuple[Graph, Outputs]:
        """Captures on the warm-up stream; calls of other threads do not break it (BUG-G21)."""
        graph = torch.cuda.CUDAGraph()
        handle = cast("_POOL_HANDLE | None", pool)
        reserved = torch.cuda.memory_reserved()
        with torch.cuda.graph(graph, pool=handle, stream=self._stream, capture_error_mode="thread_local"):
            outputs = run()
        grown = torch.cuda.memory_reserved() - reserved
        self._bytes[pool] = self._bytes.get(pool, 0) + grown
        return graph, outputs

    def synchronize(self) -> None:
        """Waits for everything launched."""
        torch.cuda.synchronize()

    def pool_bytes(self, pool: Hashable) -> int:
        """Bytes by which captures into the pool grew the reserved memory."""
        return self._bytes.get(pool, 0)
