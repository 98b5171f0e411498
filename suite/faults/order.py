"""Faults of order: results or rows that end up with another item."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from models.api import Item
from reference.encoder_graph.manager import EncoderCudaGraphManager
from reference.encoder_graph.model import EncoderGraphModel
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _OrderOfPacking(EncoderCudaGraphManager):
    """Hands results back in the order in which they were computed."""

    def execute(self, items: Sequence[Item]) -> list[Tensor]:
        return [output for planned in self.plan(items) for output in self._execute_bin(items, planned)]


class _SelectsByMask(EncoderGraphModel):
    """Selects the items of a bin in the caller's order, while the bin has its own."""

    def select_encoder_cudagraph_items(self, items: Sequence[Item], indices: Sequence[int]) -> list[Item]:
        return [item for index, item in enumerate(items) if index in indices]


FAULTS = (
    Fault(
        id="order/order-of-packing",
        breaks="results come in the order of packing, not of the request",
        caught_by=("isolation/order-does-not-matter", "values/replay-equals-eager"),
        parts=lambda: Parts(manager=_OrderOfPacking),
    ),
    Fault(
        id="order/selects-by-mask",
        breaks="the items of a bin lie in the buffers in another order than in the plan",
        caught_by=("values/replay-equals-eager",),
        parts=injection.model(_SelectsByMask),
    ),
)
