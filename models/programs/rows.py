"""Rows, weights and item borders of the small programs, all from a name or a seed."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.programs.program import WIDTH


def generator(*what: object) -> torch.Generator:
    """A generator that equal descriptions make equal on every machine."""
    return torch.Generator().manual_seed(zlib.crc32(repr(what).encode()))


def weight(name: str, instance: int, *, layer: int = 0, outputs: int = WIDTH) -> nn.Parameter:
    """`[outputs, WIDTH]`, of a size that keeps values of order one."""
    values = torch.randn(outputs, WIDTH, generator=generator("weight", name, instance, layer))
    return nn.Parameter(values / WIDTH**0.5)


def rows(sizes: Sequence[int], *, seed: int, optional: bool = False) -> dict[str, Tensor]:
    """`rows [n, WIDTH]`, and with the optional argument `bias` of the same shape."""
    total = sum(sizes)
    drawn = {"rows": torch.randn(total, WIDTH, generator=generator("rows", seed))}
    return {**drawn, "bias": torch.randn(total, WIDTH, generator=generator("bias", seed))} if optional else drawn


def rows_of_items(
    sizes: Sequence[int],
    *,
    seed: int,
    optional: bool = False,  # noqa: ARG001 - of the form `MakesInputs`
) -> dict[str, Tensor]:
    """`rows [n, WIDTH]` and `offsets [items + 1]`, int64: where each item begins, and the end."""
    return {**rows(sizes, seed=seed), "offsets": offsets_of(sizes)}


def offsets_of(sizes: Sequence[int]) -> Tensor:
    """`[items + 1]`, int64."""
    return torch.tensor([0, *itertools.accumulate(sizes)], dtype=torch.int64)


def apart(offsets: Tensor, count: int) -> Tensor:
    """`[count, count]`, bool: pairs of rows that are of different items."""
    index = torch.arange(count, device=offsets.device)
    item = (index >= offsets[:, None]).sum(0)
    return item[:, None] != item
