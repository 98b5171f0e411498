"""The values that stand in memory which must not be read (rules R1 and R8).

One pattern of two bytes, repeated, is NaN in every floating dtype and a huge positive number in every wide
integer, so a block can be poisoned before anybody says what it holds. Booleans are True: any other byte than
0 and 1 is undefined behaviour in a bool.
"""

from __future__ import annotations

import torch
from torch import Tensor

WORD = 0x7FFF
"""The repeated 16-bit pattern."""


def poison_value(dtype: torch.dtype) -> float | int | bool:
    """What one poisoned element reads as. For 8-bit integers, which alternate between two values: 127."""
    if dtype == torch.bool:
        return True
    if dtype.is_floating_point or dtype.is_complex:
        return float("nan")
    return int.from_bytes(WORD.to_bytes(2, "big") * 4, "big") >> (64 - 8 * dtype.itemsize)


def poison(words: Tensor, dtype: torch.dtype | None = None) -> None:
    """Overwrite a block, given as its int16 words `[bytes / 2]`, with what is poison for the dtype."""
    words.fill_(0x0101 if dtype == torch.bool else WORD)


def clear(words: Tensor, _dtype: torch.dtype | None = None) -> None:
    """The other filling, zero, with which `blame` compares."""
    words.zero_()
