"""Faults of the static buffers: what is not copied, not reset, or no longer what the graph reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from models.api import Capacity, Item
from reference.encoder_graph.buffers import StaticBuffers
from reference.encoder_graph.device import GraphDevice
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.protocol import ModelGraphConfig
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _MetadataOnce(StaticBuffers):
    """Writes the metadata when it is made and only the pixels later."""

    def __init__(self, like: Mapping[str, Tensor], *, input_key: str, device: GraphDevice) -> None:
        self._captured = False
        super().__init__(like, input_key=input_key, device=device)
        self._captured = True

    def copy(self, name: str, value: Tensor) -> None:
        if not self._captured or name == self._input_key:
            super().copy(name, value)


class _KeyForgotten(_MetadataOnce):
    """Copies by a list of names that was right for another model: positions are not on it."""

    def copy(self, name: str, value: Tensor) -> None:
        if not self._captured or name != "position_ids":
            StaticBuffers.copy(self, name, value)


class _CopiedForNewTotals(_MetadataOnce):
    """Takes metadata for unchanged while the number of rows is."""

    _rows = -1

    def load(self, values: Mapping[str, Tensor]) -> None:
        rows = len(values[self._input_key])
        self._captured, self._rows = rows == self._rows, rows
        super().load(values)


class _ClearedByMultiplying(StaticBuffers):
    """Clears a buffer by multiplying with zero, which keeps NaN, and adds the new values."""

    def copy(self, name: str, value: Tensor) -> None:
        if value.is_floating_point():
            self.tensors[name].mul_(0)[: len(value)].add_(value)
        else:
            super().copy(name, value)


class _Rebound(StaticBuffers):
    """Puts a new tensor under the name instead of writing into the one that was captured."""

    def copy(self, name: str, value: Tensor) -> None:
        if value.shape == self.tensors[name].shape:
            self.tensors[name] = value.to(self.tensors[name].device, copy=True)
        else:
            super().copy(name, value)


class _ReboundAndKept(_Rebound):
    """The same, but the captured tensors are kept, so the graph goes on reading their old values."""

    def __init__(self, like: Mapping[str, Tensor], *, input_key: str, device: GraphDevice) -> None:
        self._old: list[Tensor] = []
        super().__init__(like, input_key=input_key, device=device)

    def copy(self, name: str, value: Tensor) -> None:
        self._old.append(self.tensors[name])
        super().copy(name, value)


class _KeysOfFlash(EncoderGraphModel):
    """States its buffers by a list that was written for one attention back end."""

    def get_encoder_cudagraph_config(self) -> ModelGraphConfig:
        flash = EncoderGraphModel(self._encoder).get_encoder_cudagraph_config()
        return replace(super().get_encoder_cudagraph_config(), buffer_keys=flash.buffer_keys)


class _MaximumLeftOut(EncoderGraphModel):
    """Leaves a value out of a replay that the capture has already: the graph holds a bound of it."""

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        values = super().prepare_encoder_cudagraph_replay_buffers(items, capacity)
        return {name: value for name, value in values.items() if name != "max_seqlen"}


FAULTS = (
    Fault(
        id="buffers/metadata-not-copied",
        breaks="a replay refreshes the pixels but not the metadata",
        caught_by=("values/replay-equals-eager", "values/same-total-other-boundaries"),
        parts=lambda: Parts(buffers=_MetadataOnce),
        source="BUG-G13",
    ),
    Fault(
        id="buffers/key-forgotten",
        breaks="one buffer is missing from the list of those that a replay refreshes",
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(buffers=_KeyForgotten),
        source="BUG-G13",
    ),
    Fault(
        id="buffers/copied-for-new-totals",
        breaks="metadata is refreshed only if the number of rows changed",
        caught_by=("values/same-total-other-boundaries",),
        parts=lambda: Parts(buffers=_CopiedForNewTotals),
        source="BUG-E03",
        sampled=True,
    ),
    Fault(
        id="buffers/cleared-by-multiplying",
        breaks="NaN pixels stay in the buffer for all later batches",
        caught_by=("isolation/not-a-number-stays-at-home",),
        parts=lambda: Parts(buffers=_ClearedByMultiplying),
        source="BUG-E01",
    ),
    Fault(
        id="buffers/rebound",
        breaks="a buffer is replaced by a new tensor and the captured one dies",
        caught_by=("fallback/report-is-true", "packing/fitting-items-are-replayed"),
        parts=lambda: Parts(buffers=_Rebound),
        source="BUG-G03",
    ),
    Fault(
        id="buffers/rebound-and-kept",
        breaks="a buffer is replaced by a new tensor while the graph reads the captured one",
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(buffers=_ReboundAndKept),
        source="BUG-G01",
    ),
    Fault(
        id="buffers/keys-of-flash",
        breaks="the model states other buffers than it prepares, and no graph can be captured",
        caught_by=("values/every-backend",),
        parts=injection.model(_KeysOfFlash),
        source="BUG-E14",
    ),
    Fault(
        id="buffers/maximum-left-out",
        breaks="a replay gives fewer buffers than the capture had, and fails",
        caught_by=("fallback/report-is-true", "packing/fitting-items-are-replayed"),
        parts=injection.model(_MaximumLeftOut),
    ),
)
