"""For every law on values a session that breaks it, and does no more wrong than it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from models.api import Item
from models.towers import build_tower
from selftests.properties.bookkeeper import Books


class _WrongValues(Books):
    """Adds one where a graph answers."""

    def replay(self, item: Item) -> Tensor:
        return super().replay(item) + 1


class _WrongClips(Books):
    """Adds one to clips."""

    def answer(self, item: Item) -> Tensor:
        return super().answer(item) + (item.modality == "video")


class _IgnoresStrides(Books):
    """Reads the rows from where they would lie if they were contiguous."""

    def answer(self, item: Item) -> Tensor:
        flat = item.pixels.as_strided(item.pixels.shape, torch.empty(item.pixels.shape).stride())
        return build_tower(self.family.name).encode(flat.nan_to_num(), item.grid)


class _WrongBackend(Books):
    """Adds one with the second back end."""

    def answer(self, item: Item) -> Tensor:
        return super().answer(item) + (self.setup.backend == "bucketed")


class _MixesItems(Books):
    """Adds a little of the whole batch to each item."""

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        total = sum(float(item.pixels.nan_to_num().sum()) for item in items)
        return [output + total / 100 for output in super().encode(items)]


class _KeepsNaN(Books):
    """Once it has seen NaN it adds one for ever."""

    spoilt = 0

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        outputs = [output + self.spoilt for output in super().encode(items)]
        self.spoilt |= any(bool(item.pixels.isnan().any()) for item in items)
        return outputs


class _SharedState(Books):
    """All sessions of the process add the number of them that live."""

    living: ClassVar[list[Books]] = []

    def capture(self) -> None:
        super().capture()
        self.living.append(self)

    def close(self) -> None:
        super().close()
        self.living.clear()

    def answer(self, item: Item) -> Tensor:
        return super().answer(item) + (len(set(map(id, self.living))) > 1)


class _TakesMisshapen(Books):
    """Fills up what is missing."""

    def run(self, index: int, item: Item, budget: int | None) -> Tensor:
        missing = self.family.sizes.rows(item.grid) - len(item.pixels)
        padding = torch.zeros(missing, *item.pixels.shape[1:])
        return super().run(index, replace(item, pixels=torch.cat([item.pixels, padding])), budget)


class _OrderMatters(Books):
    """Adds the item's place."""

    def run(self, index: int, item: Item, budget: int | None) -> Tensor:
        return super().run(index, item, budget) + index


class _HandsOutViews(Books):
    """A later batch writes into the results of an earlier one."""

    kept: Sequence[Tensor] = ()

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        for output in self.kept:
            output.add_(1)
        self.kept = super().encode(items)
        return self.kept


class _SharesRows(Books):
    """All results lie in one tensor and overlap by a row."""

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        outputs = list(super().encode(items))
        if len(outputs) > 1 and outputs[0].shape == outputs[1].shape:
            outputs[1] = outputs[0]
        return outputs


class _WritesInputs(Books):
    """Scales the caller's pixels in place."""

    def answer(self, item: Item) -> Tensor:
        output = super().answer(item)
        item.pixels.mul_(2)
        return output


class _RemembersBatches(Books):
    """Adds the number of the batch."""

    def answer(self, item: Item) -> Tensor:
        return super().answer(item) + self.batches


class _SixteenSlots(Books):
    """From the seventeenth batch on it adds one."""

    def answer(self, item: Item) -> Tensor:
        return super().answer(item) + (self.batches > 16)


class _KnowsTensors(Books):
    """Keeps what it answered by tensor."""

    def answer(self, item: Item) -> Tensor:
        known: dict[int, tuple[Tensor, Tensor]] = self.__dict__.setdefault("known", {})
        return known.setdefault(id(item.pixels), (item.pixels, super().answer(item)))[1].clone()


BROKEN_VALUES: dict[str, type[Books]] = {
    "values/replay-equals-eager": _WrongValues,
    "values/same-total-other-boundaries": _WrongValues,
    "values/photographs": _WrongValues,
    "values/videos": _WrongClips,
    "values/strides-do-not-matter": _IgnoresStrides,
    "values/every-backend": _WrongBackend,
    "isolation/batch-mates-do-not-matter": _MixesItems,
    "isolation/not-a-number-stays-at-home": _KeepsNaN,
    "isolation/sessions-are-independent": _SharedState,
    "isolation/misshapen-item-is-refused": _TakesMisshapen,
    "isolation/order-does-not-matter": _OrderMatters,
    "ownership/results-outlive-later-batches": _HandsOutViews,
    "ownership/results-can-be-written": _SharesRows,
    "ownership/inputs-are-left-alone": _WritesInputs,
    "staleness/history-does-not-matter": _RemembersBatches,
    "staleness/repeat-agrees": _RemembersBatches,
    "staleness/long-histories": _SixteenSlots,
    "staleness/overwritten-pixels-are-read": _KnowsTensors,
}
"""By law, the session that it must catch."""
