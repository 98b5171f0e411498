"""Attention within segments that a graph can capture: no host synchronisation, no shape taken from data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor

from models.towers.base import AttentionFunction, Sequences

_NO_SEGMENT = -1
_watching: ContextVar[tuple[set[str], ...]] = ContextVar("watching", default=())


@dataclass(frozen=True)
class Segments:
    """Which segment each row belongs to as a query and as a key, counted from 1, and which rows are written.

    A row outside every segment, or beyond the declared longest length, is not *live*: a real kernel launches
    no work for it, so it is neither written nor read.
    """

    of_query: Tensor
    """`[rows]`."""
    of_key: Tensor
    """`[rows]`: the same for live rows, else a number that no query has."""
    live: Tensor
    """`[rows]`, bool."""


@contextmanager
def kernels_seen() -> Iterator[set[str]]:
    """A set that fills with the names of the back ends whose kernels run meanwhile, as a profiler would show them."""
    seen: set[str] = set()
    token = _watching.set((*_watching.get(), seen))
    try:
        yield seen
    finally:
        _watching.reset(token)


def _runs(backend: str) -> None:
    # Dynamo cannot trace a context variable, and what it compiles runs without coming here.
    if torch.compiler.is_compiling():
        return
    for seen in _watching.get():
        seen.add(backend)


@dataclass(frozen=True)
class SegmentedAttention(AttentionFunction):
    """Plain attention inside each segment.

    It reads offsets (flash) or, when lengths are given, the two sections of packed offsets of the bucketed
    back end. Rows that are not live are *selected* away to whatever the output memory held,
    as a variable-length kernel leaves them unwritten (EMULATOR R8): a product with zero would let a NaN pass.
    """

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None, sequences: Sequences) -> Tensor:
        """Three times `[batch, heads, rows, dim]` to the same; rows that are not live hold anything."""
        query = query * (query.shape[-1] ** -0.5 if scaling is None else scaling)
        _runs("flash" if sequences.lengths is None else "bucketed")
        if sequences.offsets is None:
            return self.mix(query, key, value)
        rows = torch.arange(query.shape[2], device=query.device)
        if sequences.lengths is None:
            segments = self.segments(sequences.offsets, rows, sequences.longest)
        else:
            segments = self.bucketed_segments(sequences.offsets, rows, sequences.longest, sequences.lengths)
        mixed = self.mix(query, key, value, self.hidden(segments))
        return torch.where(segments.live[:, None], mixed, torch.empty_like(mixed))

    def segments(self, cu_seqlens: Tensor, rows: Tensor, longest: Tensor | int | None) -> Segments:
        """Segments of `cu_seqlens [segments + 1]`; repeated last values are segments without rows.

        Kernels want ascending offsets. Where these do not ascend, rows come out as not live.
        """
        number = (rows >= cu_seqlens[:, None]).sum(0)
        inside = rows - cu_seqlens[number - 1]
        live = (inside >= 0) & (number < cu_seqlens.shape[0])
        if longest is not None:
            live = live & (inside < longest)
        return Segments(number, number.masked_fill(~live, _NO_SEGMENT), live)

    def bucketed_segments(
        self, offsets: Tensor, rows: Tensor, longest: Tensor | int | None, lengths: Tensor
    ) -> Segments:
        """Segments of `offsets [2 * (bucket + 1)]` (queries and keys, then values) and `lengths [bucket]`."""
        of_query, of_value = offsets.view(2, -1).unbind(0)
        packed = self.segments(of_query, rows, longest)
        number = packed.of_query
        segment = (number - 1).clamp(0, lengths.shape[0] - 1)
        live = packed.live & (rows - of_query[segment] < lengths[segment])
        read = live & ((rows >= of_value[:, None]).sum(0) == number)
        return Segments(number, number.masked_fill(~read, _NO_SEGMENT), live)

    def hidden(self, segments: Segments) -> Tensor:
        """`[rows, rows]`, bool: the keys that each query must not attend to."""
        return segments.of_query[:, None] != segments.of_key

    def mix(self, query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Scaled queries, keys and values to mixed values, `[batch, heads, rows, dim]` each."""
        if hidden is not None:
            # A hidden NaN must not be read, and weight zero would read it. So no value keeps its NaN, but its
            # key gets it: who attends to that key is NaN all the same, for all others its score is hidden.
            key = key + (value - value).sum(-1, keepdim=True)
            value = value.nan_to_num()
        scores = torch.bmm(query.flatten(0, 1), key.flatten(0, 1).transpose(1, 2))
        if hidden is not None:
            scores = scores.masked_fill(hidden, float("-inf"))
        return torch.bmm(scores.softmax(dim=-1), value.flatten(0, 1)).view(query.shape)
