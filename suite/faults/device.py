"""Faults of the device seam: graphs that are not replayed, not destroyed or not weighed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from reference.encoder_graph.device import Graph, GraphDevice
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts

Outputs = TypeVar("Outputs")


class _Through:
    """A device that hands everything on; the faults below change one method of it."""

    def __init__(self, device: GraphDevice) -> None:
        self._device = device
        self.device: torch.device = device.device

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        return self._device.allocate(shape, dtype=dtype)

    def new_pool(self) -> Hashable:
        return self._device.new_pool()

    def warm_up(self, run: Callable[[], object]) -> None:
        self._device.warm_up(run)

    def capture(self, run: Callable[[], Outputs], *, pool: Hashable | None = None) -> tuple[Graph, Outputs]:
        return self._device.capture(run, pool=pool)

    def synchronize(self) -> None:
        self._device.synchronize()

    def pool_bytes(self, pool: Hashable) -> int:
        return self._device.pool_bytes(pool)


class _ReplayedOnce:
    """A graph that takes its result for known, since the addresses of its inputs never change."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._done = False

    def replay(self) -> None:
        if not self._done:
            self._graph.replay()
        self._done = True

    def reset(self) -> None:
        self._graph.reset()


class _NeverReset:
    """A graph that is marked free without being destroyed."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def replay(self) -> None:
        self._graph.replay()

    def reset(self) -> None:
        return


class _ElidesReplays(_Through):
    """Skips a launch whose arguments are those of the last one, and compares addresses."""

    def capture(self, run: Callable[[], Outputs], *, pool: Hashable | None = None) -> tuple[Graph, Outputs]:
        graph, outputs = super().capture(run, pool=pool)
        return _ReplayedOnce(graph), outputs


class _RecyclesGraphs(_Through):
    """Keeps all graphs for re-use, so that resetting one frees nothing."""

    def __init__(self, device: GraphDevice) -> None:
        super().__init__(device)
        self._graphs: list[Graph] = []

    def capture(self, run: Callable[[], Outputs], *, pool: Hashable | None = None) -> tuple[Graph, Outputs]:
        graph, outputs = super().capture(run, pool=pool)
        self._graphs.append(graph)
        return _NeverReset(graph), outputs


class _WeighsNothing(_Through):
    """Has a stub where the bytes of a pool are asked for."""

    def pool_bytes(self, pool: Hashable) -> int:
        return 0


FAULTS = (
    Fault(
        id="device/elides-replays",
        breaks="a graph is launched once and then taken for up to date",
        caught_by=("staleness/history-does-not-matter", "isolation/order-does-not-matter"),
        parts=lambda: Parts(device=_ElidesReplays),
    ),
    Fault(
        id="device/recycles-graphs",
        breaks="clearing destroys no graph",
        caught_by=("lifecycle/clear-then-capture",),
        parts=lambda: Parts(device=_RecyclesGraphs),
        source="BUG-E19",
        sampled=True,
    ),
    Fault(
        id="device/weighs-nothing",
        breaks="graphs are reported to hold no memory",
        caught_by=("capture/memory-is-reported",),
        parts=lambda: Parts(device=_WeighsNothing),
        source="BUG-G22",
    ),
)
