"""A rule of CUDA graphs as a small program in `torch.cuda`'s own names, with what must be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Program = Callable[[torch.device], object]
"""Runs on a device; what it returns can be written as JSON."""

NUMBERS = [float(number) for number in range(8)]
"""What `floats` holds."""


@dataclass(frozen=True)
class Rule:
    """A program, and what it must return."""

    run: Program
    expected: object


def floats(device: torch.device) -> Tensor:
    """Eight numbers on the device, 0 to 7."""
    return torch.tensor(NUMBERS).to(device)


def raises(call: Callable[[], object]) -> bool:
    """Whether a call raises what torch raises for an error of CUDA."""
    try:
        call()
    except RuntimeError:
        return True
    return False
