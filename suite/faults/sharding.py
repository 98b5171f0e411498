"""Faults of sharing out: items lost or doubled, rows of others, loads out of balance, memory of the group's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from models.api import Item
from reference.encoder_graph.shard_plan import Assignment, LargestFirst, ShardPlan
from reference.encoder_graph.sharding import ShardedEncoder
from suite.faults import injection
from suite.faults.fault import Fault


class _DropsLast(ShardedEncoder):
    """Leaves out the last of several items, and fills its rows with zeros."""

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        own = plan.assignment.items[self._collectives.rank]
        if len(own) < 2:
            return super()._encode_own(items, plan)
        outputs = list(self._encode_local([items[index] for index in own[:-1]]))
        missing = torch.zeros(plan.tokens[own[-1]], self._stated.width, dtype=self._stated.dtype)
        return [*outputs, missing]


class _Overlaps(ShardedEncoder):
    """Begins a share at the last item of the rank before, whose outputs it throws away."""

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        own = plan.assignment.items[self._collectives.rank]
        before = plan.assignment.items[self._collectives.rank - 1][-1:] if own and self._collectives.rank else ()
        outputs = self._encode_local([items[index] for index in (*before, *own)]) if own else []
        return outputs[len(before) :]


class _EncodesAll(ShardedEncoder):
    """Encodes the whole batch on every rank, and hands over its share."""

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        outputs = self._encode_local(items) if items else []
        return [outputs[index] for index in plan.assignment.items[self._collectives.rank]]


class _ByRank(ShardedEncoder):
    """Gives outputs in the order in which they were gathered."""

    def _reorder(self, outputs: Mapping[int, Tensor], *, count: int) -> list[Tensor]:
        return list(outputs.values())


class _BySize(ShardedEncoder):
    """Gives equal sizes out in the order in which they were gathered."""

    def _reorder(self, outputs: Mapping[int, Tensor], *, count: int) -> list[Tensor]:
        waiting: dict[int, list[Tensor]] = {}
        for output in outputs.values():
            waiting.setdefault(len(output), []).append(output)
        return [waiting[len(outputs[index])].pop(0) for index in range(count)]


class _ByText(ShardedEncoder):
    """Sorts numbers of items as texts, so that item 10 comes before item 2."""

    def _reorder(self, outputs: Mapping[int, Tensor], *, count: int) -> list[Tensor]:
        return [outputs[index] for index in sorted(outputs, key=str)]


class _OneRowOff(ShardedEncoder):
    """Reads a rank's rows from the second on."""

    def _unpad(self, buffer: Tensor, tokens: Sequence[int]) -> list[Tensor]:
        return super()._unpad(buffer.roll(-1, 0), tokens)


class _KeepsPadding(ShardedEncoder):
    """Gives a rank's last item all rows that are left."""

    def _unpad(self, buffer: Tensor, tokens: Sequence[int]) -> list[Tensor]:
        *first, last = tokens or [0]
        return super()._unpad(buffer, [*first, len(buffer) - sum(first)] if last else tokens)


class _NextRanksRows(ShardedEncoder):
    """Reads the rows of a rank where those of the rank before it are."""

    def _gather(self, rows: Tensor) -> list[Tensor]:
        first, *others = super()._gather(rows)
        return [*others, first]


class _FourRanks(ShardedEncoder):
    """Was written for one machine of four ranks: later ones are read from its first."""

    def _gather(self, rows: Tensor) -> list[Tensor]:
        gathered = super()._gather(rows)
        return [gathered[rank % 4] for rank in range(len(gathered))]


class _LossyForOthers(ShardedEncoder):
    """Gathers rows without the last bits of their numbers, and keeps its own as they are."""

    def _gather(self, rows: Tensor) -> list[Tensor]:
        if rows.dtype != torch.float32:
            return super()._gather(rows)
        gathered = super()._gather((rows.view(torch.int32) & ~7).view(torch.float32))
        gathered[self._collectives.rank] = rows
        return gathered


class _KeepsBuffers(ShardedEncoder):
    """Gathers into buffers that it keeps, and gives out views of them."""

    def __init__(self, *arguments: Any, **wishes: Any) -> None:  # noqa: ANN401 - the factory's own
        super().__init__(*arguments, **wishes)
        self._kept: dict[tuple[int, int], Tensor] = {}

    def _gather(self, rows: Tensor) -> list[Tensor]:
        gathered = super()._gather(rows)
        return [self._kept.setdefault((rank, len(each)), each).copy_(each) for rank, each in enumerate(gathered)]

    def _unpad(self, buffer: Tensor, tokens: Sequence[int]) -> list[Tensor]:
        return list(buffer[: sum(tokens)].split(list(tokens)))


class _Remembers(ShardedEncoder):
    """Gives the outputs of an equal batch once more, not copies of them."""

    def __init__(self, *arguments: Any, **wishes: Any) -> None:  # noqa: ANN401 - the factory's own
        super().__init__(*arguments, **wishes)
        self._known: dict[tuple[bytes, ...], list[Tensor]] = {}

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        key = tuple(item.pixels.numpy().tobytes() for item in items)
        if key not in self._known:
            self._known[key] = super().encode(items)
        return self._known[key]


class _Dealt(LargestFirst):
    """Deals items like cards."""

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        return Assignment(tuple(tuple(range(rank, len(sizes), ranks)) for rank in range(ranks)))


class _EqualCounts(LargestFirst):
    """Balances how many items a rank has."""

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        return super().assign([1] * len(sizes), ranks)


class _AsTheyCome(LargestFirst):
    """Puts each item onto the least loaded rank, without sorting first."""

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        loads, chosen = [0] * ranks, [list[int]() for _ in range(ranks)]
        for index, size in enumerate(sizes):
            rank = loads.index(min(loads))
            chosen[rank].append(index)
            loads[rank] += size
        return Assignment(tuple(map(tuple, chosen)))


class _KeepsLast(LargestFirst):
    """Keeps the assignment of the first batch with as many items."""

    def __init__(self) -> None:
        self._known: dict[int, Assignment] = {}

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        return self._known.setdefault(len(sizes), super().assign(sizes, ranks))


_VALUES = "sharding/equals-eager-on-every-rank"
_ONCE = "sharding/every-item-on-one-rank"
_ORDER = "sharding/order-does-not-matter"
_LOAD = "sharding/load-within-the-greedy-bound"

FAULTS = (
    Fault(
        id="sharding/drops-last",
        breaks="the last of a rank's items is not encoded, and its rows are zeros",
        caught_by=(_ONCE, _VALUES),
        parts=injection.sharding(encoder=_DropsLast),
    ),
    Fault(
        id="sharding/overlaps",
        breaks="shares overlap: the last item of a rank is encoded by the next one too",
        caught_by=(_ONCE,),
        parts=injection.sharding(encoder=_Overlaps),
    ),
    Fault(
        id="sharding/encodes-all",
        breaks="every rank encodes the whole batch, so nothing is gained",
        caught_by=(_ONCE,),
        parts=injection.sharding(encoder=_EncodesAll),
    ),
    Fault(
        id="sharding/by-rank",
        breaks="outputs come in the order of ranks, not of items",
        caught_by=(_VALUES, _ORDER),
        parts=injection.sharding(encoder=_ByRank),
    ),
    Fault(
        id="sharding/by-size",
        breaks="items of equal sizes get each other's outputs",
        caught_by=(_ORDER, _VALUES),
        parts=injection.sharding(encoder=_BySize),
    ),
    Fault(
        id="sharding/by-text",
        breaks="from the eleventh item on, outputs are put back in the order of texts",
        caught_by=(_VALUES,),
        parts=injection.sharding(encoder=_ByText),
    ),
    Fault(
        id="sharding/one-row-off",
        breaks="every rank's rows are read from the second on",
        caught_by=(_VALUES,),
        parts=injection.sharding(encoder=_OneRowOff),
    ),
    Fault(
        id="sharding/keeps-padding",
        breaks="the padding of a rank is given to its last item",
        caught_by=("sharding/idle-ranks-answer", _VALUES),
        parts=injection.sharding(encoder=_KeepsPadding),
    ),
    Fault(
        id="sharding/next-ranks-rows",
        breaks="a rank's items are read from the rows of the next rank",
        caught_by=(_VALUES,),
        parts=injection.sharding(encoder=_NextRanksRows),
    ),
    Fault(
        id="sharding/four-ranks",
        breaks="the rows of the fifth rank and later ones are read from the first four",
        caught_by=("sharding/rank-count-does-not-matter", _VALUES),
        parts=injection.sharding(encoder=_FourRanks),
    ),
    Fault(
        id="sharding/lossy-for-others",
        breaks="rows lose their last bits on the way to other ranks alone",
        caught_by=("sharding/ranks-hold-equal-bits",),
        parts=injection.sharding(encoder=_LossyForOthers),
    ),
    Fault(
        id="sharding/keeps-buffers",
        breaks="outputs are views of buffers into which the next batch is gathered",
        caught_by=("sharding/results-outlive-later-batches",),
        parts=injection.sharding(encoder=_KeepsBuffers),
        source="BUG-G15",
    ),
    Fault(
        id="sharding/remembers",
        breaks="an equal batch gets the very tensors that were given out before",
        caught_by=("sharding/results-can-be-written",),
        parts=injection.sharding(encoder=_Remembers),
        source="BUG-G16",
    ),
    Fault(
        id="sharding/dealt",
        breaks="items are dealt to ranks in turn, whatever their sizes",
        caught_by=(_LOAD,),
        parts=injection.sharding(balancer=_Dealt),
    ),
    Fault(
        id="sharding/equal-counts",
        breaks="ranks get equal numbers of items instead of equal loads",
        caught_by=(_LOAD,),
        parts=injection.sharding(balancer=_EqualCounts),
    ),
    Fault(
        id="sharding/as-they-come",
        breaks="items are not sorted before they are shared out",
        caught_by=(_LOAD,),
        parts=injection.sharding(balancer=_AsTheyCome),
    ),
    Fault(
        id="sharding/keeps-last",
        breaks="as many items as once before are shared out as they were then",
        caught_by=(_LOAD,),
        parts=injection.sharding(balancer=_KeepsLast),
    ),
)
