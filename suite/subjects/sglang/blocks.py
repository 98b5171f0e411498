"""A tower of patches in the form in which SGLang's runner takes a vision transformer.

Blocks, mergers and weights are the zoo's. SGLang's convention is theirs from outside: rows of `[rows, 1, width]`, the
layout of the sequences as a list, and a workspace that attention writes its result to.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from models.api import Item
from models.encoder import GenericEncoder
from suite.subjects.sglang.dialect import Dialect
from suite.subjects.sglang.parts import AttentionFacts, Warmth, told
from suite.subjects.sglang.requests import request_of


class Block(nn.Module):
    """One block of a tower."""

    def __init__(self, block: nn.Module, facts: AttentionFacts, warmth: Warmth) -> None:
        super().__init__()
        self.block = block
        self.attn = facts
        self._warmth = warmth

    def forward(
        self,
        x: Tensor,
        cu_seqlens: Sequence[Any],
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        rotary_pos_emb_cos: Tensor | None = None,
        rotary_pos_emb_sin: Tensor | None = None,
        output_ws: Tensor | None = None,
    ) -> Tensor:
        """`[rows, 1, width]` to the same; `cu_seqlens` is what the back end's kernel is told of the sequences."""
        self._warmth.runs("block", len(x))
        layout = told(cu_seqlens)
        rows: Tensor = self.block(
            x.squeeze(1),
            cu_seqlens=layout["offsets"],
            max_seqlen=layout["longest"],
            position_embeddings=position_embeddings or (rotary_pos_emb_cos, rotary_pos_emb_sin),
            sequence_lengths=layout["sequence_lengths"],
            output_ws=output_ws,
        )
        return rows.unsqueeze(1)


class Merger(nn.Module):
    """What makes tokens of rows, watched."""

    def __init__(self, merger: nn.Module, warmth: Warmth) -> None:
        super().__init__()
        self.merger = merger
        self._warmth = warmth

    def forward(self, x: Tensor) -> Tensor:
        """`[rows, 1, width]` to `[tokens, width]`."""
        self._warmth.runs("merger", len(x))
        merged: Tensor = self.merger(x)
        return merged


class Vit(nn.Module):
    """A tower as the runner sees it. Its parts are shared with the encoder, and hold no state between calls."""

    def __init__(self, encoder: GenericEncoder, *, backend: str, warmth: Warmth) -> None:
        super().__init__()
        tower: Any = encoder.module.tower
        self.device = encoder.device
        self.dtype = encoder.dtype
        heads = tower.config.num_heads
        facts = AttentionFacts(backend, heads, tower.config.hidden_size // heads)
        self.blocks = nn.ModuleList(Block(block, facts, warmth) for block in tower.blocks)
        self.merger = Merger(tower.merger, warmth)
        # What the runner does not find, it takes for a tower without windows or extra outputs.
        if hasattr(tower, "fullatt_block_indexes"):
            self.fullatt_block_indexes = tuple(tower.fullatt_block_indexes)
        if hasattr(tower, "deepstack_visual_indexes"):
            self.deepstack_visual_indexes = list(tower.deepstack_visual_indexes)
            mergers = (Merger(each, warmth) for each in tower.deepstack_merger_list)
            self.deepstack_merger_list = nn.ModuleList(mergers)


class GraphedPatches:
    """A tower of patches whose blocks and mergers are the runner's."""

    def __init__(self, encoder: GenericEncoder, dialect: Dialect, *, backend: str, warmth: Warmth) -> None:
        self._encoder = encoder
        self._takes_key = dialect.takes_layout_key
        self._runner = dialect.runner(Vit(encoder, backend=backend, warmth=warmth))

    def encode(self, items: Sequence[Item]) -> Tensor:
        """`[tokens, width]` of all items, as the runner returns it."""
        inputs = request_of(self._encoder, items).inputs(layout_key=self._takes_key)
        output: Tensor = self._runner.run(**inputs)
        return output

    def graphs(self) -> Iterator[tuple[Hashable, object, Tensor]]:
        """Key, graph and output of all that is captured."""
        for key, graph in self._runner.block_graphs.items():
            yield key, graph, self._runner.block_output[key]
