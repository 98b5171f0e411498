"""Faults of isolation: what one batch, one session or one item leaves where another reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from models.api import Capacity, Grid, Item
from models.encoder import GenericEncoder
from models.towers import Tower
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.protocol import EncoderItemSpec
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts

Metadata = dict[str, Tensor]


class _SharedPlaces(GenericEncoder):
    """Writes places into one table outside the graphs, and into a new one once it is too short.

    The old table is kept for the graphs that read it, where nobody writes any more.
    """

    def __init__(self, tower: Tower, *, device: str, tables: list[Tensor] | None = None) -> None:
        super().__init__(tower, device=device)
        self._tables = [] if tables is None else tables
        self._tables.append(torch.zeros(0, 2, device=self.device))

    def metadata(self, grids: Sequence[Grid], *, capacity: Capacity | None = None, backend: str = "flash") -> Metadata:
        values = super().metadata(grids, capacity=capacity, backend=backend)
        places = values["places"]
        if len(places) > len(self._tables[-1]):
            self._tables.append(places.to(self.device, copy=True))
        self._tables[-1][: len(places)].copy_(places)
        return values

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        return super().forward(pixels, {**metadata, "places": self._tables[-1][: len(pixels)]})


def _one_table_for_all() -> Parts:
    """The same with the newest session's table for all: that it outlives a session is the defect."""
    return injection.adapter(partial(_SharedPlaces, tables=[]))()


class _RowsNotChecked(EncoderGraphModel):
    """Believes the grids, and takes the pixels to have as many rows."""

    def get_encoder_cudagraph_item_specs(self, items: Sequence[Item]) -> list[EncoderItemSpec]:
        sizes = self._sizes
        return [EncoderItemSpec(sizes.rows(each.grid), sizes.tokens(each.grid), each.grid.frames) for each in items]


class _MissingRowsRefused(_RowsNotChecked):
    """Looks for rows that are missing, not for rows that are too many."""

    def get_encoder_cudagraph_item_specs(self, items: Sequence[Item]) -> list[EncoderItemSpec]:
        specs = super().get_encoder_cudagraph_item_specs(items)
        if any(len(item.pixels) < spec.input_size for item, spec in zip(items, specs, strict=True)):
            raise ValueError("rows are missing")
        return specs


class _RowsAddUp(_RowsNotChecked):
    """Compares the rows of all items together, which is right when one has too few and another too many."""

    def get_encoder_cudagraph_item_specs(self, items: Sequence[Item]) -> list[EncoderItemSpec]:
        specs = super().get_encoder_cudagraph_item_specs(items)
        if sum(len(item.pixels) for item in items) != sum(spec.input_size for spec in specs):
            raise ValueError("the rows do not add up")
        return specs


FAULTS = (
    Fault(
        id="isolation/shared-places",
        breaks="after a larger batch graphs read a table that is no longer written",
        caught_by=("staleness/history-does-not-matter",),
        parts=injection.adapter(_SharedPlaces),
        source="BUG-E02",
    ),
    Fault(
        id="isolation/one-table-for-all",
        breaks="a second session takes the table away that the graphs of the first read",
        caught_by=("isolation/sessions-are-independent",),
        parts=_one_table_for_all,
        source="BUG-E02",
        sampled=True,
    ),
    Fault(
        id="isolation/rows-not-checked",
        breaks="an item with fewer rows than its grid shifts the rows of all items after it",
        caught_by=("isolation/misshapen-item-is-refused",),
        parts=injection.model(_RowsNotChecked),
    ),
    Fault(
        id="isolation/missing-rows-refused",
        breaks="an item with more rows than its grid shifts the rows of all items after it",
        caught_by=("isolation/misshapen-item-is-refused",),
        parts=injection.model(_MissingRowsRefused),
    ),
    Fault(
        id="isolation/rows-add-up",
        breaks="a row that belongs to one item is taken for the next item's",
        caught_by=("isolation/misshapen-item-is-refused",),
        parts=injection.model(_RowsAddUp),
    ),
)
