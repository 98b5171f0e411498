"""Faults between ranks: a collective that one does not enter, a failure that others do not hear of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from models.api import Item
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.shard_plan import ShardPlan
from reference.encoder_graph.sharding import RankFailed, ShardedEncoder
from suite.faults import injection
from suite.faults.fault import Fault


class _IdleSkips(ShardedEncoder):
    """Has nothing to hand over without items, so it leaves."""

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        if items and not self.plan(items).assignment.items[self._collectives.rank]:
            return []
        return super().encode(items)


class _EmptySkipsOnOne(ShardedEncoder):
    """Looks at the batch before it looks for the others, on all ranks but the first."""

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        return super().encode(items) if items or not self._collectives.rank else []


class _JoinsNothing(ShardedEncoder):
    """Takes it that there is always something to join."""

    def _pad(self, outputs: Sequence[Tensor], rows: int) -> Tensor:
        torch.cat(list(outputs))
        return super()._pad(outputs, rows)


class _OwnRows(ShardedEncoder):
    """Hands over as many rows as it has, which differ from rank to rank."""

    def _pad(self, outputs: Sequence[Tensor], rows: int) -> Tensor:
        return super()._pad(outputs, sum(len(output) for output in outputs))


class _OnceMoreIfBusy:
    """A group in which a rank that has rows to give checks them once more with the others."""

    def __init__(self, group: Collectives) -> None:
        self._group = group
        self.rank = group.rank
        self.world_size = group.world_size

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """As the group's, twice for rows that are not all zeros."""
        if tensor.is_floating_point() and tensor.any():
            self._group.all_gather(tensor.sum())
        return self._group.all_gather(tensor)


class _LeavesFirst(ShardedEncoder):
    """Raises where it fails, before the others are told."""

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        try:
            return super()._encode_own(items, plan)
        except Exception as failure:
            raise SystemExit(str(failure)) from failure


class _Swallows(ShardedEncoder):
    """Answers with zeros where it fails."""

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        try:
            return super()._encode_own(items, plan)
        except Exception:
            form = self._stated
            return [
                torch.zeros(tokens, form.width, dtype=form.dtype) for tokens in plan.tokens_of(self._collectives.rank)
            ]


class _SwallowsOfOthers(ShardedEncoder):
    """Takes the failure of another rank for an empty batch."""

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        try:
            return super().encode(items)
        except RankFailed:
            return []


class _HidesWho(ShardedEncoder):
    """Says that something went wrong, not where."""

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        try:
            return super().encode(items)
        except RankFailed as failure:
            raise RankFailed("a batch could not be encoded", reasons=failure.reasons) from None


class _StaysBroken(ShardedEncoder):
    """Refuses every batch after one that failed."""

    _is_broken = False

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        if self._is_broken:
            raise RuntimeError("the encoder failed before")
        try:
            return super()._encode_own(items, plan)
        except Exception:
            self._is_broken = True
            raise


class _Casts(ShardedEncoder):
    """Makes rows of another dtype fit."""

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        return [output.to(self._stated.dtype) for output in super()._encode_own(items, plan)]


class _Widens(ShardedEncoder):
    """Makes narrow rows fit, with zeros."""

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        outputs = super()._encode_own(items, plan)
        missing = [self._stated.width - output.shape[1] for output in outputs]
        return [torch.nn.functional.pad(output, (0, width)) for output, width in zip(outputs, missing, strict=True)]


class _AsksNobody(ShardedEncoder):
    """Gathers whatever rows there are."""

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        prepared: Any = self._prepare(items)
        headers = self._exchange_headers(prepared.header)
        if any(header.failed for header in headers):
            raise self._failure(prepared)
        return self._restore(prepared.plan, self._gather(prepared.rows))


_COLLECTIVES = "sharding/same-collectives-on-every-rank"
_IDLE = "sharding/idle-ranks-answer"
_TOLD = "sharding/failure-is-told-on-every-rank"
_REFUSED = "sharding/unequal-outputs-are-refused"

FAULTS = (
    Fault(
        id="sharding_failures/idle-skips",
        breaks="a rank without items leaves before the collectives",
        caught_by=(_COLLECTIVES, _IDLE),
        parts=injection.sharding(encoder=_IdleSkips),
        source="BUG-E22",
        sampled=True,
    ),
    Fault(
        id="sharding_failures/empty-skips-on-one",
        breaks="on an empty batch one rank enters the collectives, the others do not",
        caught_by=(_COLLECTIVES, _IDLE),
        parts=injection.sharding(encoder=_EmptySkipsOnOne),
        source="BUG-E22",
    ),
    Fault(
        id="sharding_failures/joins-nothing",
        breaks="a rank without items fails, since it has no rows to join",
        caught_by=(_IDLE,),
        parts=injection.sharding(encoder=_JoinsNothing),
    ),
    Fault(
        id="sharding_failures/own-rows",
        breaks="ranks gather as many rows as each of them has",
        caught_by=(_COLLECTIVES,),
        parts=injection.sharding(encoder=_OwnRows),
        source="BUG-G24",
    ),
    Fault(
        id="sharding_failures/once-more-if-busy",
        breaks="ranks with items enter one more collective than idle ones",
        caught_by=(_COLLECTIVES,),
        parts=injection.sharding(collectives=_OnceMoreIfBusy),
        source="BUG-G24",
    ),
    Fault(
        id="sharding_failures/leaves-first",
        breaks="a rank that fails leaves, and the others wait for it",
        caught_by=(_TOLD,),
        parts=injection.sharding(encoder=_LeavesFirst),
    ),
    Fault(
        id="sharding_failures/swallows",
        breaks="a rank that fails hands over zeros",
        caught_by=(_TOLD,),
        parts=injection.sharding(encoder=_Swallows),
    ),
    Fault(
        id="sharding_failures/swallows-of-others",
        breaks="ranks beside the one that failed answer with nothing",
        caught_by=(_TOLD,),
        parts=injection.sharding(encoder=_SwallowsOfOthers),
    ),
    Fault(
        id="sharding_failures/hides-who",
        breaks="ranks beside the one that failed do not say which it was",
        caught_by=(_TOLD,),
        parts=injection.sharding(encoder=_HidesWho),
    ),
    Fault(
        id="sharding_failures/stays-broken",
        breaks="a rank that failed once fails for good",
        caught_by=(_TOLD,),
        parts=injection.sharding(encoder=_StaysBroken),
    ),
    Fault(
        id="sharding_failures/casts",
        breaks="rows of another dtype are converted without a word",
        caught_by=(_REFUSED,),
        parts=injection.sharding(encoder=_Casts),
    ),
    Fault(
        id="sharding_failures/widens",
        breaks="rows of another width are filled up with zeros",
        caught_by=(_REFUSED,),
        parts=injection.sharding(encoder=_Widens),
    ),
    Fault(
        id="sharding_failures/asks-nobody",
        breaks="rows of other forms are found out by the collective that gathers them",
        caught_by=(_REFUSED,),
        parts=injection.sharding(encoder=_AsksNobody),
    ),
)
