"""What all of SGLang's runners ask of a tower: attention in a workspace, what they are told of it, and who ran when."""

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
    """Attention over all rows of a batch as one, which writes its result to a workspace, as SGLang's kernels do."""

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
        workspace = named.get("output_ws")
        if not isinstance(workspace, Tensor):
            return self.attend(query, key, value, scaling, sequences).transpose(1, 2), None
        batch, heads, rows, dim = query.shape
        flat = [each.transpose(0, 1).reshape(1, heads, -1, dim) for each in (query, key, value)]
        mixed = self.attend(flat[0], flat[1], flat[2], scaling, sequences)
        workspace.copy_(mixed.squeeze(0).transpose(0, 1))
        return workspace.view(batch, rows, heads, dim), None


@dataclass(frozen=True)
class AttentionFacts:
    """What a runner asks of a block's attention."""

    qkv_backend_name: str
    num_attention_heads_per_partition: int
    head_size: int


def told(cu_seqlens: Sequence[Any]) -> dict[str, Any]:
    """What a back end is told of the sequences, in the words of the zoo's attention."""
    offsets, *lengths, longest = cu_seqlens
    return {
        # Where lengths are told, the zoo's attention wants a section of offsets for values too.
        "offsets": torch.cat([offsets, offsets]) if lengths else offsets,
        "longest": longest,
        "sequence_lengths": lengths[0] if lengths else None,
    }


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


def encoder_of(family: Family, device: str) -> GenericEncoder:
    """The encoder of a family with attention in workspaces, built once per process and device."""
    return _encoder(family.name, device)


@cache
def _encoder(name: str, device: str) -> GenericEncoder:
    return GenericEncoder(build_tower(name), device=device, attention=WorkspaceAttention())
