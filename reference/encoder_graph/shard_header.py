"""What the ranks tell each other before any output travels, and what they conclude from it (SPEC G8).

Conclusions are drawn from the gathered headers alone, and those are the same on every rank. So all ranks go on,
or all of them refuse: none waits for a collective that another does not enter (BUG-E22, BUG-G24).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from reference.encoder_graph.shard_plan import LostItem, ShardingError, ShardPlan, ranks_named

Value = TypeVar("Value", bound=Hashable)

DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
"""What outputs may be made of; the place in this tuple is what travels."""


class UnequalBatches(ShardingError):
    """The ranks were given other items, or share them out otherwise: give every rank the same batch."""


class UnequalOutputs(ShardingError):
    """Outputs of other widths, dtypes or devices cannot be gathered: build the same encoder on every rank."""


@dataclass(frozen=True)
class Form:
    """Width and dtype of output rows.

    Raises:
        ValueError: a width below one, or a dtype that is not one of `DTYPES`.
    """

    width: int
    dtype: torch.dtype

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width={self.width}: an output row has at least 1 number")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype={self.dtype}: outputs are of {', '.join(map(str, DTYPES))}")

    def __str__(self) -> str:
        return f"rows of {self.width} x {self.dtype}"


@dataclass(frozen=True, kw_only=True)
class Header:
    """One rank's word on one batch. Of a rank that failed, only that and what it states counts."""

    failed: bool
    stated: Form
    """What the rank was built for: it makes an idle rank's padding."""
    given: Form
    """What its encoder returned; as stated if it has no items."""
    rows: int = 0
    batch: int = 0
    plan: int = 0

    def to_tensor(self, device: torch.device) -> Tensor:
        """`[8]` of int64, whatever the batch."""
        forms = [(form.width, DTYPES.index(form.dtype)) for form in (self.stated, self.given)]
        numbers = [int(self.failed), *forms[0], *forms[1], self.rows, self.batch, self.plan]
        return torch.tensor(numbers, dtype=torch.int64, device=device)

    @classmethod
    def from_tensor(cls, tensor: Tensor) -> Header:
        """What `to_tensor` wrote."""
        failed, width, dtype, given_width, given_dtype, rows, batch, plan = tensor.tolist()
        return cls(
            failed=bool(failed),
            stated=Form(width, DTYPES[dtype]),
            given=Form(given_width, DTYPES[given_dtype]),
            rows=rows,
            batch=batch,
            plan=plan,
        )


def require_agreement(headers: Sequence[Header], plan: ShardPlan) -> None:
    """Whether what the ranks have can be gathered.

    Raises:
        UnequalBatches: ranks were given other items, or share them out otherwise.
        UnequalOutputs: widths or dtypes differ, between ranks or from what a rank was built for.
        LostItem: a rank has more or fewer rows than its items.
    """
    if len(by_batch := _ranks_by([header.batch for header in headers])) > 1:
        raise UnequalBatches(f"{_against(by_batch)} were given batches of other sizes: give every rank the same items.")
    if len(by_plan := _ranks_by([header.plan for header in headers])) > 1:
        raise UnequalBatches(
            f"{_against(by_plan)} share the same items out otherwise: use one load balancer that looks at sizes alone."
        )
    forms = _ranks_by([(header.stated, header.given) for header in headers])
    if len({form for pair in forms for form in pair}) > 1:
        said = "; ".join(f"{ranks_named(ranks)}: {_pair(*pair)}" for pair, ranks in forms.items())
        raise UnequalOutputs(f"{said}. Build the same encoder with the same dtype on every rank.")
    _require_rows(headers, plan)


def _pair(stated: Form, given: Form) -> str:
    return f"{given}" if stated == given else f"{given} where {stated} were stated"


def _require_rows(headers: Sequence[Header], plan: ShardPlan) -> None:
    wrong = [
        f"rank {rank} has {header.rows} rows for its items {list(own)}, which make {rows}"
        for rank, (header, own, rows) in enumerate(zip(headers, plan.assignment.items, plan.rows, strict=True))
        if header.rows != rows
    ]
    if wrong:
        raise LostItem(f"{'; '.join(wrong)}: gathered like this, the rows of other items would shift.")


def _ranks_by(values: Sequence[Value]) -> dict[Value, list[int]]:
    found: dict[Value, list[int]] = {}
    for rank, value in enumerate(values):
        found.setdefault(value, []).append(rank)
    return found


def _against(groups: Mapping[Value, list[int]]) -> str:
    """`ranks 0, 2 and rank 1`."""
    return " and ".join(ranks_named(ranks) for ranks in groups.values())
