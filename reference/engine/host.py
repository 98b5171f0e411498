"""A CPU where a device for graphs is asked for: it holds tensors, and captures nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

from reference.encoder_graph.device import Graph, Outputs
from reference.engine.errors import EngineConfigError


class HostDevice:
    """`GraphDevice` for an engine whose encoder graphs are off."""

    device = torch.device("cpu")

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """Zeros of that shape."""
        return torch.zeros(tuple(shape), dtype=dtype)

    def new_pool(self) -> Hashable:
        """A pool in which nothing will be."""
        return None

    def warm_up(self, run: Callable[[], object]) -> None:
        """Runs it."""
        run()

    def capture(self, run: Callable[[], Outputs], *, pool: Hashable | None = None) -> tuple[Graph, Outputs]:
        """Refused.

        Raises:
            EngineConfigError: always.
        """
        raise EngineConfigError("a CPU captures no graphs: set cudagraph_mm_encoder=False, or device='cuda'.")

    def synchronize(self) -> None:
        """Nothing is under way."""

    def pool_bytes(self, pool: Hashable) -> int:
        """None are held."""
        return 0
