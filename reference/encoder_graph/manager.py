"""The manager: captures one graph per budget, packs items into replays, answers the rest in eager (SPEC G3-G7)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from models.api import Capacity, Item
from reference.encoder_graph.budgets import resolve_limits
from reference.encoder_graph.buffers import BufferMismatch, StaticBuffers
from reference.encoder_graph.config import ConfigError, EncoderGraphConfig
from reference.encoder_graph.device import Graph, GraphDevice
from reference.encoder_graph.packing import Bin, Load, Packer
from reference.encoder_graph.protocol import EncoderItemSpec, SupportsEncoderCudaGraph, missing_methods
from reference.encoder_graph.statistics import Counters, Statistics

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BudgetGraph:
    """One captured graph with everything that it reads and writes."""

    budget: int
    capacity: Capacity
    graph: Graph
    buffers: StaticBuffers
    output: Tensor
    """`[tokens, width]`, overwritten by every replay of the pool: copied out at once."""


@dataclass(frozen=True)
class BudgetMemory:
    """Bytes held for one budget."""

    budget: int
    buffer_bytes: int
    graph_bytes: int


class BufferFactory(Protocol):
    """Makes the buffers of one graph."""

    def __call__(self, like: Mapping[str, Tensor], *, input_key: str, device: GraphDevice) -> StaticBuffers:
        """Buffers of the shapes and dtypes of `like`."""
        ...


class EncoderCudaGraphManager:
    """Runs a model's encoder through graphs where they fit, and through eager where they do not.

    Raises:
        ConfigError: a configuration that cannot be captured, or an attention back end that the model cannot
            feed (SPEC G10).
        TypeError: the model does not implement the protocol; the missing methods are named (SPEC G2).
    """

    def __init__(
        self,
        model: SupportsEncoderCudaGraph,
        *,
        config: EncoderGraphConfig,
        device: GraphDevice,
        packer: Packer,
        buffers: BufferFactory = StaticBuffers,
    ) -> None:
        if missing := missing_methods(model):
            raise TypeError(f"{type(model).__name__} cannot be graphed: it lacks {', '.join(missing)}.")
        self._model = model
        self._facts = model.get_encoder_cudagraph_config()
        if config.mm_encoder_attn_backend not in self._facts.backends:
            raise ConfigError(
                f"mm_encoder_attn_backend={config.mm_encoder_attn_backend!r}: the model can build metadata "
                f"for {', '.join(self._facts.backends)} only."
            )
        budget_range = model.get_encoder_cudagraph_budget_range()
        self.limits = resolve_limits(config, budget_range=budget_range, model=self._facts)
        self.modalities = _graphed_modalities(config, self._facts.modalities)
        self._device = device
        self._packer = packer
        self._make_buffers = buffers
        self._counters = Counters()
        self._graphs: dict[int, BudgetGraph] = {}
        self._memory: dict[int, BudgetMemory] = {}

    # -- capture

    def capture(self) -> None:
        """Captures a graph per budget, largest first, into one pool; a failure leaves no graph behind.

        Raises:
            BufferMismatch: the model prepares other buffers than it states (SPEC G2).
        """
        self.clear()
        pool = self._device.new_pool()
        try:
            for budget in reversed(self.limits.budgets):
                self._graphs[budget] = self._capture_one(budget, pool)
        except BaseException:
            self.clear()
            raise

    def clear(self) -> None:
        """Destroys all graphs and buffers; until the next capture everything runs in eager."""
        for captured in self._graphs.values():
            captured.graph.reset()
        self._graphs.clear()
        self._memory.clear()

    @property
    def is_captured(self) -> bool:
        """Whether every budget has its graph."""
        return len(self._graphs) == len(self.limits.budgets)

    def capacity(self, budget: int) -> Capacity:
        """What the graph of that budget holds."""
        return self._model.get_encoder_cudagraph_capacity(
            budget,
            max_items=self.limits.max_items,
            max_frames=self.limits.max_frames or self.limits.max_items,
        )

    def _capture_one(self, budget: int, pool: Hashable) -> BudgetGraph:
        capacity = self.capacity(budget)
        like = self._model.prepare_encoder_cudagraph_capture_inputs(capacity)
        self._check_keys(like)
        buffers = self._make_buffers(like, input_key=self._facts.input_key, device=self._device)
        before = self._device.pool_bytes(pool)
        graph, output = self._record(lambda: self._model.encoder_cudagraph_forward(buffers.tensors), pool)
        graph_bytes = self._device.pool_bytes(pool) - before
        self._memory[budget] = BudgetMemory(budget, buffers.bytes, graph_bytes)
        return BudgetGraph(budget, capacity, graph, buffers, output)

    def _check_keys(self, values: Mapping[str, Tensor]) -> None:
        """Captured are the buffers that the model states, neither more nor fewer; replays must match the capture."""
        stated = self._facts.buffer_keys
        if values.keys() != stated:
            raise BufferMismatch(
                f"the model states the buffers {sorted(stated)}, but prepares {sorted(values)} for a capture: "
                "buffer_keys must name exactly what the preparations return."
            )

    def _record(self, run: Callable[[], Tensor], pool: Hashable) -> tuple[Graph, Tensor]:
        self._device.warm_up(run)
        return self._device.capture(run, pool=pool)

    # -- execution

    def execute(self, items: Sequence[Item]) -> list[Tensor]:
        """One `[tokens, out_hidden_size]` per item, in the caller's order, owned by the caller.

        An exception of the eager path passes; the manager stays usable.
        """
        outputs: dict[int, Tensor] = {}
        for planned in self.plan(items):
            outputs.update(zip(planned.items, self._execute_bin(items, planned), strict=True))
        return [outputs[index] for index in range(len(items))]

    def plan(self, items: Sequence[Item]) -> list[Bin]:
        """The launches that `execute` would make: packed replays, then what stays eager."""
        specs = self._model.get_encoder_cudagraph_item_specs(items) if items else []
        graphed = [index for index, item in enumerate(items) if self._is_graphed(item)]
        loads = [_load(specs[index]) for index in graphed]
        packed = [
            Bin(tuple(graphed[position] for position in planned.items), planned.budget)
            for planned in self._packer.pack(loads, self.limits)
        ]
        left = sorted(set(range(len(items))) - set(graphed))
        return [*packed, *(Bin((index,), None) for index in left)]

    def _is_graphed(self, item: Item) -> bool:
        return self.is_captured and item.modality in self.modalities

    def _execute_bin(self, items: Sequence[Item], planned: Bin) -> list[Tensor]:
        batch = self._model.select_encoder_cudagraph_items(items, planned.items)
        if planned.budget is not None:
            try:
                outputs = self._replay(batch, self._graphs[planned.budget])
            except Exception:
                logger.exception("replay of budget %d failed; its items run in eager", planned.budget)
                self._counters.replay_failed()
            else:
                self._counters.hit(len(batch))
                return outputs
        outputs = self._model.encoder_eager_forward(batch)
        self._counters.miss(len(batch))
        return outputs

    def _replay(self, batch: Sequence[Item], captured: BudgetGraph) -> list[Tensor]:
        """Loads, replays, and copies each item's rows out of the graph's memory."""
        values = self._model.prepare_encoder_cudagraph_replay_buffers(batch, captured.capacity)
        captured.buffers.load(values)
        captured.graph.replay()
        tokens = [spec.output_tokens for spec in self._model.get_encoder_cudagraph_item_specs(batch)]
        rows = captured.output[: sum(tokens)]
        return [part.clone() for part in rows.split(tokens)]

    # -- reports

    @property
    def statistics(self) -> Statistics:
        """Items, graphs and budgets so far (SPEC G7)."""
        return self._counters.snapshot(budgets=self.limits.budgets, graphs_captured=len(self._graphs))

    @property
    def memory(self) -> tuple[BudgetMemory, ...]:
        """Bytes held per budget, smallest budget first (SPEC G5)."""
        return tuple(self._memory[budget] for budget in sorted(self._memory))


def _load(spec: EncoderItemSpec) -> Load:
    return Load(tokens=spec.output_tokens, frames=spec.frames)


def _graphed_modalities(config: EncoderGraphConfig, modalities: tuple[str, ...]) -> frozenset[str]:
    """Zero frames switch video off in graphs; it must not mean 'infer' (BUG-E13)."""
    if config.encoder_cudagraph_max_frames_per_batch == 0:
        return frozenset(modalities) - {"video"}
    return frozenset(modalities)


class ManagerFactory(Protocol):
    """Makes the manager of a runner."""

    def __call__(
        self,
        model: SupportsEncoderCudaGraph,
        *,
        config: EncoderGraphConfig,
        device: GraphDevice,
        packer: Packer,
        buffers: BufferFactory,
    ) -> EncoderCudaGraphManager:
        """A manager that has captured nothing yet."""
        ...
