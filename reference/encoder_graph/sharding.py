"""One batch over several ranks: share out, encode locally, pad, gather, unpad, put back in order (SPEC G8).

Two collectives per batch, whatever the mix: headers of one size, then the padded rows. If a rank fails, the
second one carries the ranks' reasons instead, so that all fail alike and none waits. Nothing is captured here:
graphs hold local work only, and each rank picks its own budgets without the others noticing (BUG-E22, BUG-G24).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from models.api import Item
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.protocol import EncoderItemSpec
from reference.encoder_graph.shard_header import Form, Header, UnequalOutputs, require_agreement
from reference.encoder_graph.shard_plan import (
    LargestFirst,
    LoadBalancer,
    LostItem,
    ShardingError,
    ShardPlan,
    ranks_named,
)

REASON_BYTES = 1024
"""Room for the reason of one rank's failure; the end of a longer one is cut off."""

EncodeLocal = Callable[[Sequence[Item]], Sequence[Tensor]]
"""One `[tokens, width]` per item, without any collective."""
Measure = Callable[[Sequence[Item]], Sequence[EncoderItemSpec]]
"""What each item asks of a graph: `input_size` is balanced, `output_tokens` are gathered."""


class RankFailed(ShardingError):
    """Another rank could not encode its items; `reasons` has its word. The next batch may go on."""

    def __init__(self, message: str, *, reasons: Mapping[int, str]) -> None:
        super().__init__(message)
        self.reasons = dict(reasons)


@dataclass(frozen=True)
class _Ready:
    """What the rank hands over."""

    header: Header
    plan: ShardPlan
    rows: Tensor
    """`[padded_rows, width]`."""


@dataclass(frozen=True)
class _Failed:
    """Why the rank has nothing to hand over, and how it says so."""

    header: Header
    failure: Exception


class ShardedEncoder:
    """Encodes a batch together with the other ranks; every rank is given all items, and gets all outputs.

    The values are those of `encode_local` on each rank's share. Outputs own their memory and carry no gradient.
    """

    def __init__(
        self,
        encode_local: EncodeLocal,
        *,
        measure: Measure,
        collectives: Collectives,
        width: int,
        dtype: torch.dtype,
        device: torch.device,
        balancer: LoadBalancer | None = None,
    ) -> None:
        self._encode_local = encode_local
        self._measure = measure
        self._collectives = collectives
        self._stated = Form(width, dtype)
        self._device = device
        self._balancer = balancer or LargestFirst()

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        """One `[tokens, width]` per item, in the caller's order; all ranks call it, with the same items.

        Raises:
            RankFailed: another rank failed. The rank that failed raises its own exception.
            UnequalBatches: ranks were given other items, or share them out otherwise.
            UnequalOutputs: widths, dtypes or devices of outputs differ.
            LostItem: an item, or rows of one, were lost or doubled on the way.
        """
        prepared = self._prepare(items)
        headers = self._exchange_headers(prepared.header)
        if isinstance(prepared, _Failed) or any(header.failed for header in headers):
            raise self._failure(prepared)
        require_agreement(headers, prepared.plan)
        return self._restore(prepared.plan, self._gather(prepared.rows))

    def plan(self, items: Sequence[Item]) -> ShardPlan:
        """How the batch would be shared out.

        Raises:
            LostItem: the load balancer loses or doubles an item.
            ShardingError: it knows of more or fewer ranks than there are.
        """
        specs = self._measure(items) if items else []
        sizes = tuple(spec.input_size for spec in specs)
        world = self._collectives.world_size
        assignment = self._balancer.assign(sizes, world)
        if len(assignment.items) != world:
            raise ShardingError(f"the load balancer shares out over {len(assignment.items)} ranks; there are {world}.")
        return ShardPlan(assignment, sizes, tuple(spec.output_tokens for spec in specs))

    # -- before the collectives: an exception is kept and told, for the other ranks wait in the next collective

    def _prepare(self, items: Sequence[Item]) -> _Ready | _Failed:
        try:
            return self._ready(items)
        except Exception as failure:
            return _Failed(Header(failed=True, stated=self._stated, given=self._stated), failure)

    def _ready(self, items: Sequence[Item]) -> _Ready:
        plan = self.plan(items)
        outputs = self._encode_own(items, plan)
        header = Header(
            failed=False,
            stated=self._stated,
            given=_form(outputs, stated=self._stated),
            rows=sum(len(output) for output in outputs),
            batch=plan.batch_digest,
            plan=plan.plan_digest,
        )
        return _Ready(header, plan, self._pad(outputs, plan.padded_rows))

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        """Outputs of this rank's items, checked one by one; an idle rank does not call the encoder."""
        rank = self._collectives.rank
        own = plan.assignment.items[rank]
        outputs = self._encode_local([items[index] for index in own]) if own else []
        if len(outputs) != len(own):
            raise LostItem(f"rank {rank} encoded its items {list(own)}, and got {len(outputs)} outputs.")
        for index, output, tokens in zip(own, outputs, plan.tokens_of(rank), strict=True):
            if output.dim() != 2 or len(output) != tokens:
                raise LostItem(f"item {index} came out as {list(output.shape)}, but its size makes {tokens} rows.")
            if output.device.type != self._device.type:
                raise UnequalOutputs(f"item {index} came out on {output.device}; rows are gathered on {self._device}.")
        return outputs

    def _pad(self, outputs: Sequence[Tensor], rows: int) -> Tensor:
        """`[rows, width]`: the outputs one after the other, zeros past them."""
        form = _form(outputs, stated=self._stated)
        padded = torch.zeros(rows, form.width, dtype=form.dtype, device=self._device)
        if outputs:
            joined = torch.cat([output.detach() for output in outputs])
            padded[: len(joined)] = joined
        return padded

    # -- the collectives

    def _exchange_headers(self, header: Header) -> list[Header]:
        gathered = self._collectives.all_gather(header.to_tensor(self._device))
        return [Header.from_tensor(each) for each in gathered]

    def _failure(self, prepared: _Ready | _Failed) -> Exception:
        """The rank's own exception, or one that names the ranks that failed; all ranks come here together."""
        own = prepared.failure if isinstance(prepared, _Failed) else None
        gathered = self._collectives.all_gather(_reason(own).to(self._device))
        if own is not None:
            own.add_note(f"on rank {self._collectives.rank} of {self._collectives.world_size}, sharding a batch")
            return own
        reasons = {rank: text for rank, each in enumerate(gathered) if (text := _text(each))}
        said = "; ".join(f"rank {rank}: {text}" for rank, text in reasons.items())
        return RankFailed(
            f"{ranks_named(reasons)} could not encode, so no rank has outputs of this batch. {said}", reasons=reasons
        )

    def _gather(self, rows: Tensor) -> list[Tensor]:
        gathered = self._collectives.all_gather(rows)
        if len(gathered) != self._collectives.world_size:
            raise LostItem(f"{len(gathered)} tensors were gathered from {self._collectives.world_size} ranks.")
        return gathered

    # -- after the collectives: every rank computes the same

    def _restore(self, plan: ShardPlan, gathered: Sequence[Tensor]) -> list[Tensor]:
        outputs: dict[int, Tensor] = {}
        for rank, (buffer, own) in enumerate(zip(gathered, plan.assignment.items, strict=True)):
            outputs.update(zip(own, self._unpad(buffer, plan.tokens_of(rank)), strict=True))
        return self._reorder(outputs, count=len(plan.sizes))

    def _unpad(self, buffer: Tensor, tokens: Sequence[int]) -> list[Tensor]:
        """One rank's outputs without its padding, each in memory of its own."""
        return [part.clone() for part in buffer[: sum(tokens)].split(list(tokens))]

    def _reorder(self, outputs: Mapping[int, Tensor], *, count: int) -> list[Tensor]:
        """By the caller's order."""
        if missing := sorted(set(range(count)) - outputs.keys()):
            raise LostItem(f"items {missing} of {count} were not gathered.")
        return [outputs[index] for index in range(count)]


def _form(outputs: Sequence[Tensor], *, stated: Form) -> Form:
    """The one form of all outputs, as stated if there are none.

    Raises:
        UnequalOutputs: items of one rank differ.
    """
    if len(forms := {Form(output.shape[1], output.dtype) for output in outputs}) > 1:
        raise UnequalOutputs(f"the items of one rank came out as {' and '.join(sorted(map(str, forms)))}.")
    return forms.pop() if forms else stated


def _reason(failure: Exception | None) -> Tensor:
    """`[REASON_BYTES]` of uint8: one line that names the exception, zeros past it; all zeros for no failure."""
    said = traceback.format_exception_only(failure)[-1].strip() if failure is not None else ""
    text = said.encode()[:REASON_BYTES]
    return torch.tensor(list(text.ljust(REASON_BYTES, b"\0")), dtype=torch.uint8)


def _text(reason: Tensor) -> str:
    """What `_reason` wrote; a character that was cut in two is left out."""
    return bytes(reason.tolist()).rstrip(b"\0").decode(errors="ignore")


class ShardingFactory(Protocol):
    """Makes the sharded encoder of a runner."""

    def __call__(
        self,
        encode_local: EncodeLocal,
        *,
        measure: Measure,
        collectives: Collectives,
        width: int,
        dtype: torch.dtype,
        device: torch.device,
        balancer: LoadBalancer | None = None,
    ) -> ShardedEncoder:
        """A sharded encoder over those ranks."""
        ...
