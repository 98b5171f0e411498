"""An engine of our own in the forms of vLLM's protocol: what the adapter drives where no vLLM is installed.

It encodes each item alone in the smallest graph that holds it. It shares names with vLLM, which the adapter calls, and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from suite.subjects.vllm.dialect import AXES, DIALECTS, DUAL_PATH, PATHS, PER_ITEM, SPECS, Dialect
from suite.subjects.vllm.engine import Engine

MARKS = {
    PER_ITEM.letter: ("input_key_by_modality",),
    SPECS.letter: ("input_key_by_modality", "max_frames_per_video"),
    DUAL_PATH.letter: ("padding_logics", "max_frames_per_video", "enable_dual_path_graph"),
    PATHS.letter: ("padding_logics", "max_frames_per_video", "paths"),
    AXES.letter: ("padding_logics", "max_frames_per_video", "paths", "capture_axes"),
}
"""By dialect: the fields of its configuration beside those that all have."""


class Protocol:
    """What models are derived from."""

    def postprocess(self, output: Tensor) -> Tensor:
        """A default that a model takes over."""
        return output.clone()


class CountingProtocol(Protocol):
    """The oldest form."""

    def get_encoder_cudagraph_num_items(self, mm_kwargs: dict[str, Any]) -> int:
        """To be overridden."""
        raise NotImplementedError


@dataclass
class Spec:
    """One item."""

    input_size: int
    output_tokens: int


def protocol_of(dialect: Dialect) -> type:
    """The class from which its models are derived."""
    return CountingProtocol if dialect is PER_ITEM else Protocol


def config_of(dialect: Dialect) -> type:
    """The dataclass in which its models configure graphs."""
    optional = [(name, Any, field(default=None)) for name in MARKS[dialect.letter]]
    return make_dataclass("EncoderCudaGraphConfig", ["modalities", "buffer_keys", "out_hidden_size", *optional])


def shapes_of(dialect: Dialect) -> ModuleType:
    """The module of its dataclasses."""
    shapes = ModuleType("shapes")
    capture, replay = (["values"], ["values"]) if dialect.one_mapping else (["mm_kwargs", "buffers"], ["buffers"])
    parts = {
        "EncoderCudaGraphConfig": config_of(dialect),
        "EncoderItemSpec": Spec,
        "EncoderCudaGraphCaptureInputs": make_dataclass("CaptureInputs", capture),
        "EncoderCudaGraphReplayBuffers": make_dataclass("ReplayBuffers", replay),
    }
    for name, value in parts.items():
        setattr(shapes, name, value)
    return shapes


class Manager:
    """One item, one graph."""

    dialect: Dialect
    hand_out: Callable[[Tensor], Tensor] = staticmethod(Tensor.clone)
    """What becomes of a slice of the graph's output before a caller gets it."""

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype, model: Any) -> None:  # noqa: ANN401 - as an engine's
        wishes = config.compilation_config
        self.config = model.get_encoder_cudagraph_config()
        self.ranks = config.parallel_config.tensor_parallel_size
        self.model = model
        self.token_budgets = sorted(set(wishes.budgets)) or list(model.get_encoder_cudagraph_budget_range(config))
        if self.token_budgets[0] < 1:
            raise ValueError(f"token budget {self.token_budgets[0]} is below 1: give larger ones")
        self.max_batch_size, self.max_frames_per_batch = wishes.items or 1, 8
        self.hits = self.misses = 0
        self.graphs: dict[int, tuple[Any, dict[str, Tensor], Tensor]] = {}
        self.how = (device, dtype, "default", None) if self.dialect is AXES else (device, dtype)

    def supports_modality(self, modality: str) -> bool:
        """As the model says."""
        return modality in self.config.modalities

    def capture(self, *pool: Any) -> None:  # noqa: ANN401 - as torch's handles
        """Each budget, in the one pool if there is one."""
        for budget in self.token_budgets:
            limits = (budget, self.max_batch_size, self.max_frames_per_batch)
            inputs = self.model.prepare_encoder_cudagraph_capture_inputs(*limits, *self.how)
            given = (inputs.values,) if self.dialect.one_mapping else (inputs.mm_kwargs, inputs.buffers)
            output = torch.empty_like(self.model.encoder_cudagraph_forward(*map(dict, given)))
            graph = torch.cuda.CUDAGraph()
            named = {"stream": globals_of(self).current_stream()} if self.dialect.names_stream else {}
            with torch.cuda.graph(graph, pool=pool[0] if pool else None, **named):
                output.copy_(self.model.encoder_cudagraph_forward(*map(dict, given)))
            self.graphs[budget] = (graph, {name: value for each in given for name, value in each.items()}, output)

    def execute(self, mm_kwargs: dict[str, Any]) -> list[Tensor]:
        """One `[tokens, width]` per item, on every rank."""
        if self.ranks == 1:
            return self._execute_local(mm_kwargs)

        def local(indices: list[int]) -> list[Tensor]:
            return self._execute_local(self.model.select_encoder_cudagraph_items(mm_kwargs, indices))

        return dealt(globals_of(self), self._sizes(mm_kwargs), local, width=self.config.out_hidden_size)

    def _sizes(self, mm_kwargs: dict[str, Any]) -> list[int]:
        if self.dialect.counts_items:
            sizes: list[int] = self.model.get_encoder_cudagraph_per_item_output_tokens(mm_kwargs)
            return sizes
        return [spec.output_tokens for spec in self.model.get_encoder_cudagraph_item_specs(mm_kwargs)]

    def _execute_local(self, mm_kwargs: dict[str, Any]) -> list[Tensor]:
        sizes = self._sizes(mm_kwargs)
        alone = [self.model.select_encoder_cudagraph_items(mm_kwargs, [index]) for index in range(len(sizes))]
        return [self._one(item, tokens) for item, tokens in zip(alone, sizes, strict=True)]

    def _one(self, mm_kwargs: dict[str, Any], tokens: int) -> Tensor:
        budget = next((each for each in self.token_budgets if each >= tokens), None)
        if budget is None:
            self.misses += 1
            eager: Tensor = self.model.encoder_eager_forward(mm_kwargs)
            return eager
        graph, buffers, output = self.graphs[budget]
        limits = (self.max_batch_size, self.max_frames_per_batch)
        replay = self.model.prepare_encoder_cudagraph_replay_buffers(mm_kwargs, *limits)
        given = replay.values if self.dialect.one_mapping else {"pixel_values": pixels(mm_kwargs), **replay.buffers}
        for name, value in given.items():
            if value is not None:
                self._pad(name)(buffers[name], value)
        graph.replay()
        self.hits += 1
        return self.hand_out(output[:tokens])

    def _pad(self, name: str) -> Callable[[Tensor, Tensor], object]:
        named: dict[str, Callable[[Tensor, Tensor], object]] = getattr(self.config, "padding_logics", None) or {}
        return named.get(name, with_zeros)

    def get_cumulative_stats(self) -> dict[str, Any]:
        """Under the names that the adapter reads."""
        rate = self.hits / max(1, self.hits + self.misses)
        counts = {"graph_hits": self.hits, "graph_misses": self.misses, "hit_rate": rate}
        return {**counts, "num_budgets": len(self.graphs), "token_budgets": self.token_budgets}


def dealt(
    module: Any,  # noqa: ANN401 - a module made here, with names of its own
    sizes: list[int],
    local: Callable[[list[int]], list[Tensor]],
    *,
    width: int,
) -> list[Tensor]:
    """Items are dealt like cards, and every rank gathers all of them."""
    ranks = module.get_tensor_model_parallel_world_size()
    shares = [list(range(rank, len(sizes), ranks)) for rank in range(ranks)]
    rows = torch.zeros(max(sum(sizes[index] for index in share) for share in shares), width)
    mine = local(shares[module.get_tensor_model_parallel_rank()])
    if mine:
        rows[: sum(map(len, mine))] = torch.cat(mine)
    parts = module.tensor_model_parallel_all_gather(rows, dim=0).split(len(rows))
    found: dict[int, Tensor] = {}
    for share, part in zip(shares, parts, strict=True):
        lengths = [sizes[index] for index in share]
        found |= dict(zip(share, part[: sum(lengths)].split(lengths), strict=True))
    return [found[index] for index in range(len(sizes))]


def vision_module() -> ModuleType:
    """The module that shares a batch out where there are no graphs."""
    module = ModuleType("vision")

    def by_grids(model: Any, pixels: Tensor, grids: list[list[int]], *, rope_type: str) -> tuple[Tensor, ...]:  # noqa: ANN401 - as an engine's
        assert rope_type == "rope_3d"
        rows = [frames * height * width for frames, height, width in grids]
        parts = pixels.split(rows)

        def local(indices: list[int]) -> list[Tensor]:
            tokens = [rows[index] // model.spatial_merge_size**2 for index in indices]
            given = torch.cat([parts[index] for index in indices]) if indices else pixels[:0]
            return list(model(given, [grids[index] for index in indices]).split(tokens)) if indices else []

        sizes = [count // model.spatial_merge_size**2 for count in rows]
        return tuple(dealt(module, sizes, local, width=model.out_hidden_size))

    module.run_dp_sharded_mrope_vision_model = by_grids  # type: ignore[attr-defined]  # a module made here
    module.run_dp_sharded_vision_model = lambda tiles, model: model(tiles)  # type: ignore[attr-defined]  # as above
    return module


def of_a_group(module: ModuleType) -> ModuleType:
    """The module with the names of a group of ranks, none of which answers."""
    for name in ("rank", "world_size"):
        setattr(module, f"get_tensor_model_parallel_{name}", no_stream)
    module.tensor_model_parallel_all_gather = no_stream  # type: ignore[attr-defined]  # a module made here
    return module


def globals_of(manager: Manager) -> Any:  # noqa: ANN401 - a module made here, with names of its own
    """The module that the manager's class stands in."""
    return manager.module  # type: ignore[attr-defined]  # set where the class is made


def pixels(mm_kwargs: dict[str, Any]) -> Tensor:
    """Under either key."""
    found: Tensor = next(mm_kwargs[key] for key in ("pixel_values", "pixel_values_videos") if key in mm_kwargs)
    return found


def with_zeros(buffer: Tensor, value: Tensor) -> None:
    """Zeros behind the value."""
    buffer.zero_()
    buffer[: len(value)].copy_(value)


def wishes(**given: Any) -> SimpleNamespace:  # noqa: ANN401 - as an engine's configuration
    """A configuration of compilation that checks nothing."""
    budgets = given["encoder_cudagraph_token_budgets"]
    return SimpleNamespace(budgets=budgets, items=given["encoder_cudagraph_max_vision_items_per_batch"])


def no_stream() -> object:
    """What an engine says where it knows no device."""
    raise RuntimeError("there is no stream here")


def engine(dialect: Dialect, **parts: object) -> Engine:
    """An engine of that dialect; parts replace those of its manager."""
    module = of_a_group(ModuleType("invented"))
    manager = type("Manager", (Manager,), {"dialect": dialect, "module": module, **parts})
    module.EncoderCudaGraphManager = manager  # type: ignore[attr-defined]  # a module made here
    module.current_stream = no_stream  # type: ignore[attr-defined]  # as above
    return Engine("1", dialect, module, shapes_of(dialect), of_a_group(vision_module()), protocol_of(dialect), wishes)


ENGINES = {dialect.letter: engine(dialect) for dialect in DIALECTS}
