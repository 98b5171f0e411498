"""Faults of host code in a capture: it runs once, and its numbers, branches and copies stay behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from models.api import Capacity, Grid
from models.encoder import GenericEncoder
from models.towers import Tower
from suite.faults import injection
from suite.faults.fault import Fault

Metadata = dict[str, Tensor]


class _ChecksOnTheHost(GenericEncoder):
    """Checks the metadata inside the forward, which asks the device for a number."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        if int(metadata["cu_seqlens"][-1]) > len(pixels):
            raise ValueError("the offsets end beyond the rows")
        return super().forward(pixels, metadata)


class _MakesItsMaximum(GenericEncoder):
    """Turns the longest segment of the last metadata into a tensor inside the forward."""

    _rows = 0

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> Metadata:
        values = super()._padded(grids, capacity)
        self._rows = int(values["max_seqlen"])
        return values

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        longest = torch.tensor(max(self._rows, len(pixels)), device=pixels.device)
        return super().forward(pixels, {**metadata, "max_seqlen": longest})


class _MeasuresItself(GenericEncoder):
    """Waits for the GPU after each forward, to know how long it took."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        encoded = super().forward(pixels, metadata)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return encoded


class _FasterInGraphs(GenericEncoder):
    """Takes a shorter way while it is captured: the pixels lose half of their bits."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        if torch.cuda.is_current_stream_capturing():
            pixels = pixels.to(torch.bfloat16).to(self.dtype)
        return super().forward(pixels, metadata)


class _IndexFromTheHost(GenericEncoder):
    """Puts rows in order by an index that it makes on the host."""

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        return super().forward(pixels[torch.arange(len(pixels))], metadata)


class _ScaleFromTheHost(GenericEncoder):
    """Moves a constant to the device whenever it is needed."""

    def __init__(self, tower: Tower, *, device: str) -> None:
        super().__init__(tower, device=device)
        self._scale = torch.ones(self.family.width)

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        return super().forward(pixels, metadata) * self._scale.to(self.device)


class _BranchOnClips(GenericEncoder):
    """Skips the windows of frames when the batch holds no clip; the capture, which holds none, bakes that."""

    _clips = False

    def metadata(self, grids: Sequence[Grid], *, capacity: Capacity | None = None, backend: str = "flash") -> Metadata:
        self._clips = any(each.frames > 1 for each in grids)
        return super().metadata(grids, capacity=capacity, backend=backend)

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        if self._clips:
            return super().forward(pixels, metadata)
        return super().forward(pixels, {**metadata, "cu_window_seqlens": metadata["cu_seqlens"]})


FAULTS = (
    Fault(
        id="host/checks-on-the-host",
        breaks="the captured forward reads a device value on the host",
        caught_by=("capture/no-synchronisation",),
        parts=injection.adapter(_ChecksOnTheHost),
        source="BUG-G09",
        sampled=True,
    ),
    Fault(
        id="host/makes-its-maximum",
        breaks="the forward makes a tensor of a host number, which the graph bakes",
        caught_by=("capture/no-host-numbers",),
        parts=injection.adapter(_MakesItsMaximum),
        source="BUG-G09",
    ),
    Fault(
        id="host/measures-itself",
        breaks="the captured forward waits for the device",
        caught_by=("capture/no-synchronisation",),
        parts=injection.adapter(_MeasuresItself),
        column="shim",
    ),
    Fault(
        id="host/faster-in-graphs",
        breaks="the forward does something else while it is captured",
        caught_by=("values/replay-equals-eager",),
        parts=injection.adapter(_FasterInGraphs),
        source="BUG-G11",
        column="shim",
    ),
    Fault(
        id="host/index-from-the-host",
        breaks="an index on the host is copied to the device in the capture",
        caught_by=("capture/no-synchronisation",),
        parts=injection.adapter(_IndexFromTheHost),
        column="two devices",
    ),
    Fault(
        id="host/scale-from-the-host",
        breaks="a constant is copied to the device in the capture",
        caught_by=("capture/no-synchronisation",),
        parts=injection.adapter(_ScaleFromTheHost),
        source="BUG-E23",
        column="two devices",
    ),
    Fault(
        id="host/branch-on-clips",
        breaks="the capture takes the branch for batches without clips, and so do all replays",
        caught_by=("values/videos",),
        parts=injection.adapter(_BranchOnClips),
        source="BUG-G11",
    ),
)
