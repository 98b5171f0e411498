"""How far two numbers may lie apart, by dtype, chosen before any result was seen.

Source: the defaults of `torch.testing.assert_close` (torch 2.13, documentation of `torch.testing`):
rtol 1.3e-6 and atol 1e-5 for float32, 1e-3 and 1e-5 for float16, 1.6e-2 and 1e-5 for bfloat16. They are for one
operation; a tower chains some hundreds, so both are scaled by `CHAIN`. Outputs of the zoo are of order 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from suite.contract.verdict import Difference

CHAIN = 10.0
"""A tower's error over one operation's: measured as at most 3 for exact repacking, with room for other kernels."""


@dataclass(frozen=True)
class Tolerance:
    """`|got - want| <= atol + rtol * |want|`."""

    rtol: float
    atol: float
    source: str

    def as_data(self) -> dict[str, float | str]:
        """For records."""
        return {"rtol": self.rtol, "atol": self.atol, "source": self.source}


def _of(name: str, rtol: float, atol: float) -> Tolerance:
    return Tolerance(CHAIN * rtol, CHAIN * atol, f"torch.testing's {name} x {CHAIN:g} for a chain of operations")


TOLERANCES = {
    torch.float32: _of("float32", 1.3e-6, 1e-5),
    torch.float16: _of("float16", 1e-3, 1e-5),
    torch.bfloat16: _of("bfloat16", 1.6e-2, 1e-5),
}


def tolerance(dtype: torch.dtype) -> Tolerance:
    """The tolerance of a dtype.

    Raises:
        ValueError: no rule for the dtype; there is no default.
    """
    if dtype not in TOLERANCES:
        raise ValueError(f"no tolerance for {dtype}; known: {', '.join(map(str, TOLERANCES))}")
    return TOLERANCES[dtype]


def compare(arm: str, got: Tensor, want: Tensor, *, item: int = 0, batch: int = 0) -> Difference:
    """Both `[tokens, channels]`: counts, greatest errors among finite elements, and their place.

    A NaN or Inf where the other side is finite is a mismatch and never hides the finite error.
    """
    got = got.to(want.device)
    allowed = tolerance(want.dtype)
    usable = torch.isfinite(got) & torch.isfinite(want)
    error = torch.where(usable, (got - want).abs(), torch.zeros_like(want))
    limit = torch.where(usable, allowed.atol + allowed.rtol * want.abs(), torch.ones_like(want))
    share = error / limit
    same_nan = torch.isnan(got) & torch.isnan(want)
    same = same_nan | (got == want) | (usable & (share <= 1))
    worst = int(torch.where(same, share, share + 1e30).argmax()) if want.numel() else 0
    relative = torch.where(usable, error / want.abs().clamp_min(allowed.atol), torch.zeros_like(want))
    return Difference(
        arm=arm,
        max_abs=_max(error),
        max_rel=_max(relative),
        mismatched=int((~same).sum()),
        total=want.numel(),
        nan=int(torch.isnan(got).sum()),
        inf=int(torch.isinf(got).sum()),
        index=(worst // want.shape[1], worst % want.shape[1]) if want.numel() else (),
        item=item,
        batch=batch,
        used=_max(share),
        rows=tuple((~same).any(dim=1).nonzero().flatten().tolist()[:64]),
    )


def _max(values: Tensor) -> float:
    return float(values.max()) if values.numel() else 0.0
