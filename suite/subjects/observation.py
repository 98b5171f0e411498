"""Watching an implementation of the graph protocol from outside: what it ran, and where it is told to fail.

Only the protocol's own calls and the graphs' replays are observed, never a manager's internals, so the same
two wrappers serve every implementation that takes a model and a device.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from typing import TypeVar

import torch
from torch import Tensor

import models
from models.api import Capacity, Item
from reference.encoder_graph.device import Graph, GraphDevice
from reference.encoder_graph.protocol import EncoderItemSpec, ModelGraphConfig, SupportsEncoderCudaGraph
from suite.contract.subject import Disturbance, Launch, Where
from suite.emulator.graph import EmulatedGraph

Outputs = TypeVar("Outputs")
Shapes = frozenset[tuple[str, tuple[int, ...]]]


class Observer:
    """What happened since `begin`, and the one failure that is armed."""

    def __init__(self) -> None:
        self.launches: list[Launch] = []
        self._places: dict[int, list[int]] = {}
        self._prepared: tuple[int, ...] = ()
        self._armed: Where | None = None
        self._spared = 0
        self._warm: set[Shapes] = set()
        self.budget = 0
        self.capturing = False
        self.cold_captures: list[str] = []
        self._buffers: list[weakref.ref[Tensor]] = []

    def begin(self, items: Sequence[Item]) -> None:
        """A new batch: items are recognised by identity from here on."""
        self.launches = []
        self._places = {}
        for index, item in enumerate(items):
            self._places.setdefault(id(item), []).append(index)

    def arm(self, where: Where, *, after: int) -> None:
        """The next call there but `after` fails, once."""
        self._armed = where
        self._spared = after

    def fail_if_armed(self, where: Where) -> None:
        """Raises `Disturbance` if that was armed."""
        if self._armed != where:
            return
        self._spared -= 1
        if self._spared < 0:
            self._armed = None
            raise Disturbance(f"planted failure in {where}")

    def prepared(self, items: Sequence[Item]) -> None:
        """These items' values were prepared for a replay."""
        self._prepared = self._indices(items)

    def replayed(self, budget: int, kernels: Set[str]) -> None:
        """The graph of that budget, in which those kernels were captured, was replayed on what was prepared last."""
        self.launches.append(Launch(self._prepared, budget, frozenset(kernels)))
        self._prepared = ()

    def ran_eager(self, items: Sequence[Item], kernels: Set[str]) -> None:
        """These items ran in eager, through those kernels."""
        self.launches.append(Launch(self._indices(items), None, frozenset(kernels)))

    def ran_forward(self, buffers: Mapping[str, Tensor]) -> None:
        """The forward on buffers ran: outside a capture that warms its shapes up, inside it should be warm."""
        shapes = frozenset((name, tuple(buffer.shape)) for name, buffer in buffers.items())
        if not self.capturing:
            self._warm.add(shapes)
        elif shapes not in self._warm:
            self.cold_captures.append(f"budget {self.budget}")

    def allocated(self, buffer: Tensor) -> None:
        """A buffer was made outside of the pools."""
        self._buffers.append(weakref.ref(buffer))

    @property
    def buffer_bytes(self) -> int:
        """Bytes of the buffers that live."""
        return sum(buffer.nbytes for each in self._buffers if (buffer := each()) is not None)

    def _indices(self, items: Sequence[Item]) -> tuple[int, ...]:
        return tuple(self._places.get(id(item), [-1])[0] for item in items)


class ObservedModel:
    """A model of the protocol, watched. Every method goes through to the model."""

    def __init__(self, model: SupportsEncoderCudaGraph, observer: Observer) -> None:
        self._model = model
        self._observer = observer

    def get_encoder_cudagraph_config(self) -> ModelGraphConfig:
        """As the model's."""
        return self._model.get_encoder_cudagraph_config()

    def get_encoder_cudagraph_budget_range(self) -> tuple[int, int]:
        """As the model's."""
        return self._model.get_encoder_cudagraph_budget_range()

    def get_encoder_cudagraph_item_specs(self, items: Sequence[Item]) -> list[EncoderItemSpec]:
        """As the model's."""
        return self._model.get_encoder_cudagraph_item_specs(items)

    def get_encoder_cudagraph_capacity(self, budget: int, *, max_items: int, max_frames: int) -> Capacity:
        """As the model's; the budget asked for is the one being captured."""
        self._observer.budget = budget
        return self._model.get_encoder_cudagraph_capacity(budget, max_items=max_items, max_frames=max_frames)

    def select_encoder_cudagraph_items(self, items: Sequence[Item], indices: Sequence[int]) -> list[Item]:
        """As the model's."""
        return self._model.select_encoder_cudagraph_items(items, indices)

    def prepare_encoder_cudagraph_capture_inputs(self, capacity: Capacity) -> dict[str, Tensor]:
        """As the model's."""
        return self._model.prepare_encoder_cudagraph_capture_inputs(capacity)

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        """As the model's; the items are the next replay's."""
        self._observer.prepared(items)
        return self._model.prepare_encoder_cudagraph_replay_buffers(items, capacity)

    def encoder_cudagraph_forward(self, buffers: Mapping[str, Tensor]) -> Tensor:
        """As the model's."""
        self._observer.ran_forward(buffers)
        return self._model.encoder_cudagraph_forward(buffers)

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        """As the model's, or the planted failure."""
        self._observer.fail_if_armed("eager")
        with models.kernels_seen() as kernels:
            outputs = self._model.encoder_eager_forward(items)
        self._observer.ran_eager(items, kernels)
        return outputs


class ObservedGraph:
    """A graph whose replays are seen."""

    def __init__(self, graph: Graph, *, budget: int, kernels: Set[str], observer: Observer) -> None:
        self._graph = graph
        self._budget = budget
        self._kernels = kernels
        self._observer = observer

    def replay(self) -> None:
        """As the graph's, or the planted failure."""
        self._observer.fail_if_armed("replay")
        self._graph.replay()
        self._observer.replayed(self._budget, self._kernels)

    def reset(self) -> None:
        """As the graph's."""
        self._graph.reset()


class ObservedDevice:
    """A device whose graphs are watched."""

    def __init__(self, device: GraphDevice, observer: Observer) -> None:
        self._device = device
        self._observer = observer
        self.device: torch.device = device.device

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """As the device's; the buffer is weighed as long as it lives."""
        buffer = self._device.allocate(shape, dtype=dtype)
        self._observer.allocated(buffer)
        return buffer

    def new_pool(self) -> Hashable:
        """As the device's."""
        return self._device.new_pool()

    def warm_up(self, run: Callable[[], object]) -> None:
        """As the device's."""
        self._device.warm_up(run)

    def capture(self, run: Callable[[], Outputs], *, pool: Hashable | None = None) -> tuple[Graph, Outputs]:
        """As the device's; a planted failure is raised from within the capture, after the work."""

        def disturbed() -> Outputs:
            outputs = run()
            self._observer.fail_if_armed("capture")
            return outputs

        self._observer.capturing = True
        try:
            with models.kernels_seen() as kernels:
                graph, outputs = self._device.capture(disturbed, pool=pool)
        finally:
            self._observer.capturing = False
        if isinstance(graph, EmulatedGraph):
            # Under the shim nobody else can tell outputs from tensors that escaped.
            graph.declare_outputs(outputs)
        return ObservedGraph(graph, budget=self._observer.budget, kernels=kernels, observer=self._observer), outputs

    def synchronize(self) -> None:
        """As the device's."""
        self._device.synchronize()

    def pool_bytes(self, pool: Hashable) -> int:
        """As the device's."""
        return self._device.pool_bytes(pool)
