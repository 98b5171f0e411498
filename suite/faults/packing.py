"""Faults of packing: a packer that loses, doubles, overfills or wastes."""

from __future__ import annotations

from collections.abc import Sequence

from reference.encoder_graph.packing import Bin, Greedy, Limits, Load
from suite.faults.fault import Fault
from suite.subjects.reference import Parts


class _LargestBudget(Greedy):
    def pack(self, loads: Sequence[Load], limits: Limits) -> list[Bin]:
        return [
            Bin(planned.items, planned.budget and limits.budgets[-1]) for planned in super().pack(loads, limits)
        ]


FAULTS = (
    Fault(
        id="packing/largest-budget",
        breaks="every replay runs in the largest graph",
        caught_by=("packing/smallest-budget",),
        parts=lambda: Parts(packer=lambda _: _LargestBudget()),
        source="BUG-E25",
    ),
)
