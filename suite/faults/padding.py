"""Faults of padding: the shapes that do not depend on the batch are right, and what fills them is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from models.api import Capacity, Grid, Sizes
from models.attention import SegmentedAttention
from models.backends import Bucketed, Flash
from models.encoder import GenericEncoder
from models.padding import RemainderImage, RepeatLast, WholeCapacity, ZeroGrids
from suite.faults import injection
from suite.faults.fault import Fault

Metadata = dict[str, Tensor]


class _ZeroPadded(RepeatLast):
    """Fills offsets up with zeros, as other buffers are."""

    def pad(self, offsets: Tensor, length: int) -> Tensor:
        return functional.pad(offsets, (0, length - len(offsets)))


class _NoLeadingZero(RepeatLast):
    """Keeps where each segment ends and loses where the first begins."""

    def pad(self, offsets: Tensor, length: int) -> Tensor:
        return super().pad(offsets[1:], length)


class _EndsOneLate(RepeatLast):
    """Moves every inner boundary on by one row: `<=` where `<` is meant."""

    def pad(self, offsets: Tensor, length: int) -> Tensor:
        late = offsets.clone()
        late[1:-1] += 1
        return super().pad(late, length)


class _RemainderFirst(RemainderImage):
    """Puts the remainder image in front of the items."""

    def grids(self, grids: Sequence[Grid], capacity: Capacity, sizes: Sizes) -> list[Grid]:
        return [*(padded := super().grids(grids, capacity, sizes))[len(grids) :], *padded[: len(grids)]]


class _DropsOneToken(RemainderImage):
    """Takes a remainder of one token for none: `>` where `>=` is meant."""

    def grids(self, grids: Sequence[Grid], capacity: Capacity, sizes: Sizes) -> list[Grid]:
        padded = super().grids(grids, capacity, sizes)
        return padded[:-1] if grids and sizes.tokens(padded[-1]) == sizes.unit else padded


class _HalfCapacity(WholeCapacity):
    """Takes it that no image is longer than half of the rows."""

    def bound(self, longest: Tensor, rows: int) -> Tensor:
        return super().bound(longest, rows // 2)


class _GridsAsTheyAre(ZeroGrids):
    """Does not pad the grid tensor, whose length then follows the batch."""

    def pad(self, grid_thw: Tensor, items: int) -> Tensor:
        return grid_thw


class _OneSection(Bucketed):
    """Pads the packed offsets as one array, so that the values section is filled with the last offset."""

    def pack(self, section: Tensor) -> Tensor:
        return torch.cat([section, section[-1:].expand(len(section))])


class _LastItemTakesTheRest(GenericEncoder):
    """Lets the last item's segment reach to the end of the buffer instead of beginning one for the rest."""

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        values = super()._padded(grids, capacity)
        if grids:
            values["cu_seqlens"][len(grids)] = values["cu_seqlens"][-1]
        return values


class _ZeroWeights(SegmentedAttention):
    """Multiplies rows of other segments by zero instead of not reading them, so that a NaN among them passes."""

    def mix(self, query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None = None) -> Tensor:
        if hidden is None:
            return super().mix(query, key, value)
        scores = (query @ key.transpose(-1, -2)).masked_fill(hidden, float("-inf"))
        return scores.softmax(dim=-1) @ value


FAULTS = (
    Fault(
        id="padding/offsets-padded-with-zero",
        breaks="the tail of cu_seqlens is filled with zeros instead of the last offset",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(partial(GenericEncoder, offsets=_ZeroPadded())),
        source="BUG-G26",
        sampled=True,
    ),
    Fault(
        id="padding/no-leading-zero",
        breaks="cu_seqlens begins with the end of the first segment",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(partial(GenericEncoder, offsets=_NoLeadingZero())),
    ),
    Fault(
        id="padding/segments-end-one-late",
        breaks="every item but the last reads one row of the next",
        caught_by=("isolation/batch-mates-do-not-matter", "values/replay-equals-eager"),
        parts=injection.adapter(partial(GenericEncoder, offsets=_EndsOneLate())),
    ),
    Fault(
        id="padding/remainder-first",
        breaks="metadata describes the padding before the items, pixels after them",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(partial(GenericEncoder, remainder=_RemainderFirst())),
    ),
    Fault(
        id="padding/last-item-takes-the-rest",
        breaks="no remainder image is made: padding belongs to the last item",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(_LastItemTakesTheRest),
        source="BUG-G26",
    ),
    Fault(
        id="padding/drops-one-token",
        breaks="metadata is one token short when exactly one is left over, so the replay fails",
        caught_by=("fallback/report-is-true", "packing/fitting-items-are-replayed"),
        parts=injection.adapter(partial(GenericEncoder, remainder=_DropsOneToken())),
    ),
    Fault(
        id="padding/maximum-too-small",
        breaks="the longest segment is bounded by half of the rows: rows beyond stay unwritten",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(partial(GenericEncoder, maximum=_HalfCapacity())),
        source="BUG-G09",
    ),
    Fault(
        id="padding/grids-not-padded",
        breaks="the grid tensor keeps the length of the batch, so no replay fits its buffer",
        caught_by=("fallback/report-is-true",),
        parts=injection.adapter(partial(GenericEncoder, zeros=_GridsAsTheyAre())),
        source="BUG-G26",
        family="glm4v",
    ),
    Fault(
        id="padding/values-section-padded",
        breaks="the second section of the bucketed back end's offsets is overwritten by padding",
        caught_by=("values/every-backend",),
        parts=injection.adapter(partial(GenericEncoder, backends=(Flash(), _OneSection()))),
        source="BUG-E14",
    ),
    Fault(
        id="padding/zero-weights",
        breaks="rows of other items are weighted by zero, which lets a NaN through",
        caught_by=("isolation/batch-mates-do-not-matter",),
        parts=injection.adapter(partial(GenericEncoder, attention=_ZeroWeights())),
        source="BUG-E01",
    ),
)
