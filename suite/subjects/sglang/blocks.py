"""A tower of the zoo in the form in which SGLang's runner takes a vision transformer.

Blocks, merger and weights are the zoo's. SGLang's convention is theirs from outside: rows of `[rows, 1, width]`, the
layout of the sequences as a list, and a workspace that attention writes its result to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from models.api import Family
from models.attention import SegmentedAttention
from models.encoder import GenericEncoder
from models.towers import build_tower
from models.towers.base import Sequences

TRITON = "triton_attn"
BACKENDS = (TRITON, "fa3")
"""Attention back ends that all releases have: offsets, lengths and the longest; or offsets and the longest."""


class WorkspaceAttention(SegmentedAttention):
    """Attention that writes its result to a workspace of the caller's, as SGLang's kernels do."""

    def __call__(
        self,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        scaling: float | None = None,
        *,
        cu_seq_lens_q: Tensor | None = None,
        max_length_q: Tensor | int | None = None,
        sequence_lengths: Tensor | None = None,
        **named: object,
    ) -> tuple[Tensor, None]:
        """As the zoo's; with `output_ws [rows, heads, dim]` the result is that workspace."""
        sequences = Sequences(cu_seq_lens_q, max_length_q, sequence_lengths)
        mixed = self.attend(query, key, value, scaling, sequences).transpose(1, 2)
        workspace = named.get("output_ws")
        if not isinstance(workspace, Tensor):
            return mixed, None
        workspace.copy_(mixed.squeeze(0))
        return workspace.unsqueeze(0), None


@dataclass(frozen=True)
class AttentionFacts:
    """What the runner asks of a block's attention."""

    qkv_backend_name: str
    num_attention_heads_per_partition: int
    head_size: int


class Warmth:
    """Which parts ran outside of captures with which rows, and which were captured cold."""

    def __init__(self) -> None:
        self._warm: set[tuple[str, int]] = set()
        self.cold: list[str] = []

    def runs(self, part: str, rows: int) -> None:
        """A part runs on so many rows."""
        if not torch.cuda.is_available() or not torch.cuda.is_current_stream_capturing():
            self._warm.add((part, rows))
        elif (part, rows) not in self._warm:
            self.cold.append(f"{part} over {rows} rows")


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
        offsets, *lengths, longest = cu_seqlens
        self._warmth.runs("block", len(x))
        rows: Tensor = self.block(
            x.squeeze(1),
            # Where lengths are told, the zoo's attention wants a section of offsets for values too.
            cu_seqlens=torch.cat([offsets, offsets]) if lengths else offsets,
            max_seqlen=longest,
            position_embeddings=position_embeddings or (rotary_pos_emb_cos, rotary_pos_emb_sin),
            sequence_lengths=lengths[0] if lengths else None,
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

    def __init__(self, encoder: GenericEncoder, *, backend: str) -> None:
        super().__init__()
        tower: Any = encoder.module.tower
        self.device = encoder.device
        self.dtype = encoder.dtype
        self.warmth = Warmth()
        heads = tower.config.num_heads
        facts = AttentionFacts(backend, heads, tower.config.hidden_size // heads)
        self.blocks = nn.ModuleList(Block(block, facts, self.warmth) for block in tower.blocks)
        self.merger = Merger(tower.merger, self.warmth)
        # What the runner does not find, it takes for a tower without windows or extra outputs.
        if hasattr(tower, "fullatt_block_indexes"):
            self.fullatt_block_indexes = tuple(tower.fullatt_block_indexes)
        if hasattr(tower, "deepstack_visual_indexes"):
            self.deepstack_visual_indexes = list(tower.deepstack_visual_indexes)
            mergers = (Merger(each, self.warmth) for each in tower.deepstack_merger_list)
            self.deepstack_merger_list = nn.ModuleList(mergers)


def encoder_of(family: Family, device: str) -> GenericEncoder:
    """The encoder of a family with attention in workspaces, built once per process and device."""
    return _encoder(family.name, device)


@cache
def _encoder(name: str, device: str) -> GenericEncoder:
    return GenericEncoder(build_tower(name), device=device, attention=WorkspaceAttention())
