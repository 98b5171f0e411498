"""What a release's runner looks like: recognised by looking at its code, never by its version."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from torch import Tensor, nn

from suite.contract.subject import AdapterBroken
from suite.subjects.sglang.release import REMEDY

CLASS = "ViTCudaGraphRunner"
LAYOUT_KEY = "attention_layout_key"
_NEEDED = {"x", "cu_seqlens", "cu_window_seqlens", "position_embeddings", "output_indices"}
_ROTARY = {"rotary_pos_emb_cos", "rotary_pos_emb_sin"}


class Runner(Protocol):
    """What the adapter uses of a runner. Graphs and outputs have the keys that the runner chose."""

    @property
    def run(self) -> Callable[..., Tensor]:
        """The encoder's output for one batch, through the graph of its layout."""
        ...

    @property
    def block_graphs(self) -> Mapping[Hashable, object]:
        """Every graph that was captured."""
        ...

    @property
    def block_output(self) -> Mapping[Hashable, Tensor]:
        """What each graph writes its result to."""
        ...


@dataclass(frozen=True)
class Dialect:
    """One form of the runner."""

    runner: Callable[[nn.Module], Runner]
    """Makes a runner for a tower."""
    takes_layout_key: bool
    """Whether the model names the layout of a batch from what the host knows (0.5.19 and later)."""


def dialect_of(module: ModuleType) -> Dialect:
    """The dialect of a runner's file.

    Raises:
        AdapterBroken: it has no runner, or one that is called otherwise.
    """
    runner = getattr(module, CLASS, None)
    run = getattr(runner, "run", None)
    if not isinstance(runner, type) or not callable(run):
        raise AdapterBroken(f"{module.__name__} has no class {CLASS} with a method run: {REMEDY}")
    parameters = inspect.signature(run).parameters
    missing = sorted((_NEEDED | _ROTARY) - parameters.keys())
    if missing:
        raise AdapterBroken(f"{CLASS}.run takes {', '.join(parameters)}, and {', '.join(missing)} is missing: {REMEDY}")
    return Dialect(runner, LAYOUT_KEY in parameters)
