"""Copies of a piece and of its example inputs: what a compiler may use up, and what goes to disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import SymInt, Tensor, fx
from torch._subclasses import FakeTensor, FakeTensorMode
from torch.fx._graph_pickler import GraphPickler, Options
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from reference.compilation.splitting import Size, copied, example_inputs


class NotSavable(RuntimeError):
    """A compiled piece that torch cannot serialise: it is compiled again at the next start."""


def pickled(graph: fx.GraphModule) -> bytes:
    """A graph with the example values of its arguments; weights are arguments and are not in it.

    Raises:
        NotSavable: something in it cannot be pickled.
    """
    try:
        return GraphPickler.dumps((graph, example_inputs(graph)), Options(ops_filter=None))
    except Exception as why:
        raise NotSavable(f"the graph cannot be pickled: {type(why).__name__}: {why}") from why


def unpickled(data: bytes) -> tuple[fx.GraphModule, list[Any]]:
    """The graph and its example inputs, in a shape environment of their own that still takes notes."""
    mode = FakeTensorMode(shape_env=ShapeEnv())
    loaded: Any = GraphPickler.loads(data, mode)
    graph, values = loaded
    graph.recompile()
    if mode.shape_env is not None:
        # Dynamo froze it after its own guards; a guard that is only now found must be seen, not ignored.
        mode.shape_env.frozen = False
    return graph, values


def self_contained(graph: fx.GraphModule) -> fx.GraphModule:
    """A copy whose example values are not views: a view drags its base, and Dynamo's whole state, into a pickle."""
    copy = fx.GraphModule(graph, copied(graph.graph))
    for node in copy.graph.nodes:
        if "example_value" in node.meta:
            node.meta["example_value"] = _detached(node.meta["example_value"])
    return copy


def _detached(value: object) -> object:
    """The same shapes in memory of their own; None for what is neither a tensor nor a symbolic size."""
    if isinstance(value, tuple | list):
        return tuple(_detached(each) for each in value)
    if isinstance(value, FakeTensor):
        return value if value.is_leaf and is_whole(value) else _without_base(value)
    return value if isinstance(value, SymInt | int) else None


def is_whole(value: Tensor) -> bool:
    """Whether a tensor is not a view."""
    return value._base is None  # noqa: SLF001 - torch has no public word for it


def _without_base(value: FakeTensor) -> Tensor:
    return of_sizes(value, value.shape, value.stride())


def of_sizes(value: FakeTensor, shape: Sequence[Size], stride: Sequence[Size]) -> Tensor:
    """A tensor like another, of other sizes and in memory of its own."""
    with value.fake_mode, torch.enable_grad():
        fresh = torch.empty_strided(tuple(shape), tuple(stride), dtype=value.dtype, device=value.device)
        # A clone, because the piece may write it, which autograd forbids for a leaf.
        return fresh.requires_grad_().clone() if value.requires_grad else fresh
