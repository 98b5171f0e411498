"""InternVL's tower in the form in which SGLang's runner of tiles takes it: the encoder's layers and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from models.api import Item
from models.encoder import GenericEncoder
from suite.subjects.sglang.dialect import Dialect
from suite.subjects.sglang.parts import AttentionFacts, Warmth, told


class Layer(nn.Module):
    """One layer; what its attention is told goes by a hook, since the layer itself takes rows alone."""

    def __init__(self, layer: Any, facts: AttentionFacts, warmth: Warmth) -> None:  # noqa: ANN401  (a layer of any kind)
        super().__init__()
        self.layer = layer
        self.attn = SimpleNamespace(attn=facts)
        self._warmth = warmth
        self._told: Mapping[str, Any] = {}
        layer.attention.register_forward_pre_hook(self._tell, with_kwargs=True)

    def forward(self, x: Tensor, cu_seqlens: Sequence[Any], output_ws: Tensor) -> Tensor:
        """`[tiles, rows, width]` to the same."""
        self._warmth.runs("layer", x.shape[0] * x.shape[1])
        layout = told(cu_seqlens)
        self._told = {
            "cu_seq_lens_q": layout["offsets"],
            "max_length_q": layout["longest"],
            "sequence_lengths": layout["sequence_lengths"],
            "output_ws": output_ws,
        }
        rows: Tensor = self.layer(x)
        self._told = {}
        return rows

    def _tell(
        self, _attention: nn.Module, positional: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return positional, {**named, **self._told}


class Layers(nn.Module):
    """The encoder as the runner sees it."""

    def __init__(self, layers: Sequence[nn.Module], facts: AttentionFacts, warmth: Warmth) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(layer, facts, warmth) for layer in layers)


class _ThroughRunner(nn.Module):
    """Stands where the tower calls its encoder, as SGLang's own encoder calls the runner."""

    def __init__(self, run: Any) -> None:  # noqa: ANN401  (a runner's method)
        super().__init__()
        self._run = run

    def forward(self, hidden_states: Tensor) -> BaseModelOutput:
        """`[tiles, rows, width]` to the same."""
        return BaseModelOutput(last_hidden_state=self._run(hidden_states))


class GraphedTiles:
    """A tower of tiles whose layers are the runner's; what comes before and after them is eager."""

    def __init__(self, encoder: GenericEncoder, dialect: Dialect, *, backend: str, warmth: Warmth) -> None:
        self._module: Any = copy.deepcopy(encoder.module)
        self._device = encoder.device
        tower: Any = self._module.tower
        heads = tower.config.num_attention_heads
        facts = AttentionFacts(backend, heads, tower.config.hidden_size // heads)
        self._runner = dialect.runner(Layers(tower.encoder.layer, facts, warmth))
        tower.encoder = _ThroughRunner(self._runner.run)

    def encode(self, items: Sequence[Item]) -> Tensor:
        """`[tokens, width]` of all items: the projector's result, which is no memory of a graph's."""
        grids = torch.tensor([[item.grid.frames, item.grid.height, item.grid.width] for item in items])
        encoded: Tensor = self._module(torch.cat([item.pixels for item in items]).to(self._device), grids)
        return encoded

    def graphs(self) -> Iterator[tuple[Hashable, object, Tensor]]:
        """Key, graph and output of all that is captured."""
        for key, graph in self._runner.graphs.items():
            yield key, graph, self._runner.out[key]
