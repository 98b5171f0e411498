"""How far two numbers may lie apart: torch's own allowance per dtype, times one factor for a chain of operations.

Source: the defaults of `torch.testing.assert_close`, taken from torch itself. They are meant for one operation; a
tower chains about a hundred, so all of them are scaled by `CHAIN`, one factor for every dtype, tower, law and
subject. Outputs of the zoo are of order 1. Records carry the greatest share of the allowance that was used.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.testing._comparison import default_tolerances

from suite.contract.verdict import Difference

CHAIN = 3.0
MOST_ROWS = 64
"""Wrong rows that a difference lists: a record stays small however wrong the answer is."""


@dataclass(frozen=True)
class Tolerance:
    """`|got - want| <= atol + rtol * |want|`."""

    rtol: float
    atol: float
    source: str

    def as_data(self) -> dict[str, float | str]:
        """For records."""
        return {"rtol": self.rtol, "atol": self.atol, "source": self.source}


def tolerance(dtype: torch.dtype) -> Tolerance:
    """The tolerance of a floating-point dtype.

    Raises:
        ValueError: the dtype has no rounding to allow for.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"no tolerance for {dtype}: compare values without rounding by torch.equal")
    rtol, atol = default_tolerances(dtype)
    return Tolerance(
        CHAIN * rtol, CHAIN * atol, f"torch.testing's for {dtype}, times {CHAIN:g} for a chain of operations"
    )


def compare(arm: str, got: Tensor, want: Tensor, *, item: int = 0, batch: int = 0) -> Difference:
    """Both `[tokens, channels]`: counts, greatest errors among finite elements, and their place.

    A NaN or Inf where the other side is finite is a mismatch and never hides the finite error.

    Raises:
        ValueError: the shapes differ: a missing row must not be filled up by broadcasting.
    """
    if got.shape != want.shape:
        raise ValueError(f"arm {arm!r} has shape {tuple(got.shape)}, but should have {tuple(want.shape)}")
    got = got.to(want.device)
    allowed = tolerance(want.dtype)
    finite = torch.isfinite(got) & torch.isfinite(want)
    nothing = torch.zeros_like(want)
    error = torch.where(finite, (got - want).abs(), nothing)
    share = torch.where(finite, error / (allowed.atol + allowed.rtol * want.abs()), nothing)
    relative = torch.where(finite, error / want.abs().clamp_min(allowed.atol), nothing)
    same = (finite & (share <= 1)) | (got == want) | (torch.isnan(got) & torch.isnan(want))
    return Difference(
        arm=arm,
        max_abs=_max(error),
        max_rel=_max(relative),
        mismatched=int((~same).sum()),
        total=want.numel(),
        nan=int(torch.isnan(got).sum()),
        inf=int(torch.isinf(got).sum()),
        index=_place(share, same),
        item=item,
        batch=batch,
        used=_max(share),
        rows=tuple((~same).any(dim=1).nonzero().flatten().tolist()[:MOST_ROWS]),
    )


def _place(share: Tensor, same: Tensor) -> tuple[int, ...]:
    """Token and channel of the greatest finite error, unless only what is not finite is wrong; nothing if empty."""
    if not share.numel():
        return ()
    only_not_finite = bool((~same).any()) and _max(share) <= 1
    worst = int((~same).flatten().int().argmax() if only_not_finite else share.argmax())
    return worst // share.shape[1], worst % share.shape[1]


def _max(values: Tensor) -> float:
    return float(values.max()) if values.numel() else 0.0
