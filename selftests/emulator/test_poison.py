"""What unwritten memory reads as."""

from __future__ import annotations

import math

import pytest
import torch

from suite.emulator.poison import poison, poison_value

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64]
INTEGERS = [torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize("dtype", FLOATS)
def test_one_pattern_is_nan_in_every_floating_dtype(dtype: torch.dtype) -> None:
    """A block can be poisoned before anybody says what it holds."""
    words = torch.zeros(32, dtype=torch.int16)
    poison(words)
    assert words.view(dtype).isnan().all()
    assert math.isnan(poison_value(dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_read_as_huge_numbers(dtype: torch.dtype) -> None:
    """Far outside every bound of an index."""
    words = torch.zeros(32, dtype=torch.int16)
    poison(words)
    assert set(words.view(dtype).tolist()) == {poison_value(dtype)}
    assert poison_value(dtype) > torch.iinfo(dtype).max * 0.99


def test_booleans_read_as_true() -> None:
    """Bytes other than 0 and 1 are undefined behaviour in a bool."""
    words = torch.zeros(32, dtype=torch.int16)
    poison(words, torch.bool)
    assert words.view(torch.uint8).tolist() == [1] * 64
    assert poison_value(torch.bool) is True
