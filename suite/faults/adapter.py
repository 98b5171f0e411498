"""Faults of the generic adapter: metadata that is stale, cut short, padded wrongly or describes something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from models.api import Capacity, Grid
from models.attention import SegmentedAttention
from models.backends import is_offsets
from models.encoder import GenericEncoder
from models.towers import Tower
from suite.faults import injection
from suite.faults.fault import Fault

Metadata = dict[str, Tensor]


class _CachedByTotal(GenericEncoder):
    """Keeps metadata by items and tokens, which do not tell where the boundaries are."""

    def __init__(self, tower: Tower, *, device: str) -> None:
        super().__init__(tower, device=device)
        self._cache: dict[tuple[int, int, Capacity], Metadata] = {}

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        key = (len(grids), sum(map(self.family.sizes.tokens, grids)), capacity)
        return dict(self._cache.setdefault(key, super()._padded(grids, capacity)))


class _OneBatchBehind(GenericEncoder):
    """Prepares metadata one batch ahead and hands out that of the batch before."""

    def __init__(self, tower: Tower, *, device: str) -> None:
        super().__init__(tower, device=device)
        self._ahead: dict[Capacity, Metadata] = {}

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        values = super()._padded(grids, capacity)
        ready, self._ahead[capacity] = self._ahead.get(capacity, values), values
        return dict(ready)


class _OneLongImage(GenericEncoder):
    """Numbers positions from the start of the buffer, as if it held one image."""

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        whole = [self._remainder.image(capacity.tokens, self.family.sizes)]
        return super()._padded(grids, capacity) | {"position_ids": self._exact(whole)["position_ids"]}


class _Transposed(GenericEncoder):
    """Swaps height and width on the way to the padded metadata."""

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        return super()._padded([Grid(each.frames, each.width, each.height) for each in grids], capacity)


class _ClipsWhole(GenericEncoder):
    """Gives a clip one window where each of its frames has its own."""

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        return super()._padded([Grid(1, each.frames * each.height, each.width) for each in grids], capacity) | {
            name: value for name, value in super()._padded(grids, capacity).items() if not is_offsets(name)
        }


class _ShortTable(GenericEncoder):
    """Clamps positions to a table that is shorter than the longest side, so that nothing reads beyond it."""

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        values = super()._padded(grids, capacity)
        sides = torch.tensor([7, 8 + 9, 8 + 64 + 9])
        return values | {"position_ids": values["position_ids"].minimum(sides)}


class _SixteenSlots(GenericEncoder):
    """Keeps the metadata of sixteen layouts, and gives a slot a new name but not a new value when all are taken."""

    def __init__(self, tower: Tower, *, device: str) -> None:
        super().__init__(tower, device=device)
        self._slots: list[tuple[tuple[Sequence[Grid], Capacity], Metadata]] = []

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        key, values = (tuple(grids), capacity), super()._padded(grids, capacity)
        known = next((kept for other, kept in self._slots if other == key), None)
        if known is None:
            retired = self._slots.pop(0)[1] if len(self._slots) == 16 else values
            fits = all(retired[name].shape == value.shape for name, value in values.items())
            self._slots.append((key, retired if fits else values))
        return dict(known or values)


class _FourFrames(GenericEncoder):
    """Clamps the frame of a patch to a table of four frames."""

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        values = super()._padded(grids, capacity)
        return values | {"position_ids": values["position_ids"].minimum(torch.tensor([3, 8 + 64, 8 + 64 + 64]))}


class _BlankIsPadding(GenericEncoder):
    """Takes tokens whose pixels are all zero for padding."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        encoded = super().forward(pixels, metadata)
        padding = (pixels == 0).reshape(len(encoded), -1).all(1)
        return encoded.masked_fill(padding[:, None], 0)


class _BatchWideScale(SegmentedAttention):
    """Rounds values to 8 bits by one scale for all rows, padding and other items included."""

    def mix(self, query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None = None) -> Tensor:
        scale = value.abs().amax() / 127
        return super().mix(query, key, (value / scale).round() * scale, hidden)


class _RunningScale(SegmentedAttention):
    """Rounds to 8 bits by the largest value that was ever seen, as a calibration left on does."""

    def __init__(self) -> None:
        self._largest = torch.zeros(())

    def mix(self, query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None = None) -> Tensor:
        self._largest.copy_(torch.maximum(self._largest, value.abs().amax()))
        scale = self._largest / 127
        return super().mix(query, key, (value / scale).round() * scale, hidden)


class _DropoutLeftOn(GenericEncoder):
    """Forgets that the tower is not being trained."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        return functional.dropout(super().forward(pixels, metadata), 0.01)


class _RunningMean(GenericEncoder):
    """Centres on a mean that every batch moves on, as a normalisation left in training does."""

    def __init__(self, tower: Tower, *, device: str) -> None:
        super().__init__(tower, device=device)
        self._mean = torch.zeros(self.family.width, device=self.device)

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        encoded = super().forward(pixels, metadata)
        self._mean.lerp_(encoded.mean(0), 0.1)
        return encoded - self._mean


FAULTS = (
    Fault(
        id="adapter/cached-by-total",
        breaks="batches with equal totals share metadata",
        caught_by=("values/same-total-other-boundaries",),
        parts=injection.adapter(_CachedByTotal),
        source="BUG-E03",
        sampled=True,
    ),
    Fault(
        id="adapter/one-batch-behind",
        breaks="a replay gets the metadata of the batch before",
        caught_by=("staleness/history-does-not-matter", "values/replay-equals-eager"),
        parts=injection.adapter(_OneBatchBehind),
        source="BUG-G27",
    ),
    Fault(
        id="adapter/one-long-image",
        breaks="positions depend on an item's place in the buffer",
        caught_by=("isolation/order-does-not-matter", "values/replay-equals-eager"),
        parts=injection.adapter(_OneLongImage),
        source="BUG-G27",
    ),
    Fault(
        id="adapter/transposed",
        breaks="height and width of every item are swapped",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(_Transposed),
    ),
    Fault(
        id="adapter/clips-whole",
        breaks="the frames of a clip share one window",
        caught_by=("values/videos",),
        parts=injection.adapter(_ClipsWhole),
        source="BUG-E12",
    ),
    Fault(
        id="adapter/short-table",
        breaks="patches beyond the 10th row or column have the position of the 10th",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(_ShortTable),
    ),
    Fault(
        id="adapter/sixteen-slots",
        breaks="from the seventeenth layout on metadata of another is found under a layout's name",
        caught_by=("staleness/long-histories",),
        parts=injection.adapter(_SixteenSlots),
        source="BUG-G05",
    ),
    Fault(
        id="adapter/four-frames",
        breaks="frames beyond the fourth have the position of the fourth",
        caught_by=("values/videos",),
        parts=injection.adapter(_FourFrames),
        source="BUG-E13",
    ),
    Fault(
        id="adapter/blank-is-padding",
        breaks="blank images are taken for padding",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(_BlankIsPadding),
    ),
    Fault(
        id="adapter/batch-wide-scale",
        breaks="values are quantised by a scale taken over the whole batch",
        caught_by=("isolation/batch-mates-do-not-matter", "values/replay-equals-eager"),
        parts=injection.adapter(partial(GenericEncoder, attention=_BatchWideScale())),
        source="BUG-G07",
    ),
    Fault(
        id="adapter/running-scale",
        breaks="values are quantised by a scale that earlier batches set, and NaN sets it for good",
        caught_by=("isolation/not-a-number-stays-at-home", "staleness/history-does-not-matter"),
        parts=injection.adapter(lambda tower, device: GenericEncoder(tower, device=device, attention=_RunningScale())),
        source="BUG-G07",
    ),
    Fault(
        id="adapter/dropout-left-on",
        breaks="random elements of every result are dropped",
        caught_by=("staleness/repeat-agrees", "values/replay-equals-eager"),
        parts=injection.adapter(_DropoutLeftOn),
    ),
    Fault(
        id="adapter/running-mean",
        breaks="every batch moves a mean that all later results are centred on",
        caught_by=("staleness/repeat-agrees", "staleness/history-does-not-matter"),
        parts=injection.adapter(_RunningMean),
        source="BUG-G05",
    ),
)
