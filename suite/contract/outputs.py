"""The form of what an encoder answers: number, type, shape, dtype, device, and no NaN of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.api import Family, Item
from suite.contract.calls import SubjectFailed


def check_outputs(outputs: object, items: Sequence[Item], family: Family, *, device: str) -> list[Tensor]:
    """The outputs of one batch, once they are what they should be in form.

    Raises:
        SubjectFailed: another number, type, shape, dtype or device than asked for, or a NaN or Inf for
            finite pixels.
    """
    if not isinstance(outputs, Sequence):
        raise SubjectFailed(f"encode returned {type(outputs).__name__}, not a sequence of tensors")
    if len(outputs) != len(items):
        raise SubjectFailed(f"encode returned {len(outputs)} results for {len(items)} items")
    for index, (output, item) in enumerate(zip(outputs, items, strict=True)):
        if not isinstance(output, Tensor):
            raise SubjectFailed(f"encode returned {type(output).__name__} for item {index}, not a tensor")
        wanted = (family.sizes.tokens(item.grid), family.width), item.pixels.dtype, device
        got = tuple(output.shape), output.dtype, output.device.type
        for what, one, other in zip(("shape", "dtype", "device"), got, wanted, strict=True):
            if one != other:
                raise SubjectFailed(f"item {index} ({item.grid}) came back with {what} {one}, not {other}")
        _check_finite(output, item, index)
    return list(outputs)


def _check_finite(output: Tensor, item: Item, index: int) -> None:
    if bool(torch.isfinite(item.pixels).all()) and not bool(torch.isfinite(output).all()):
        rows = (~torch.isfinite(output)).any(dim=1).nonzero().flatten().tolist()
        raise SubjectFailed(
            f"item {index} ({item.grid}) came back with NaN or Inf in {len(rows)} of {len(output)} tokens, "
            f"first at token {rows[0]}"
        )
