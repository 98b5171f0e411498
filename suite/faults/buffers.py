"""Faults of the static buffers: what is not copied, not reset, or not checked."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from reference.encoder_graph.buffers import StaticBuffers
from suite.faults.fault import Fault
from suite.subjects.reference import Parts


class _ForgetsMetadata(StaticBuffers):
    """Writes the pixels only: the metadata stays that of the capture."""

    def load(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            if name == self._input_key:
                self.copy(name, value)


FAULTS = (
    Fault(
        id="buffers/metadata-not-copied",
        breaks="a replay refreshes the pixels but not the metadata",
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(buffers=_ForgetsMetadata),
        source="BUG-G13",
    ),
)
