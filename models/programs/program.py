"""What is known of a program without building it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from torch import Tensor, nn

WIDTH = 8
"""Channels of a row in the small programs."""


class MakesModule(Protocol):
    """The class of a program: one call makes one instance."""

    def __call__(self, *, scale: float, depth: int, instance: int) -> nn.Module:
        """A module with weights that follow from the program's name and `instance` alone."""
        ...


class MakesInputs(Protocol):
    """Makes the arguments of one call."""

    def __call__(self, sizes: Sequence[int], *, seed: int, optional: bool) -> dict[str, Tensor]:
        """Fresh tensors for items of those sizes; the seed decides their values."""
        ...


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program: how it is made and called, and what of its specification tracing bakes."""

    name: str
    module: type[nn.Module]
    """Its class, constructed with `arguments`: what a user of a compiler would decorate."""
    inputs: MakesInputs
    size: str
    """The argument whose dimension 0 counts the rows: what compile ranges are about."""
    dynamic: Mapping[str, int]
    """The dimension that varies from call to call, of each tensor argument that has one."""
    seams: tuple[str, ...] = ()
    """Operations at which its graph may be split."""
    bakes: frozenset[str] = frozenset()
    """What of its specification changes the traced program: scale, depth, optional, environment."""
    items: bool = False
    """Whether it mixes within items and so is told where they begin."""
    rows_per_unit: int = 1
    """Rows of the size argument that make one unit of a call's sizes."""
    empty: bool = True
    """Whether a call may have no rows, and an item none."""
    most_units: int | None = None
    """Units of the largest item; None: no limit."""
    fixed: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Further arguments of its class."""

    def arguments(self, *, scale: float, depth: int, instance: int) -> dict[str, object]:
        """Keyword arguments of the class for one instance."""
        return {**self.fixed, "scale": scale, "depth": depth, "instance": instance}

    def build(self, *, scale: float, depth: int, instance: int) -> nn.Module:
        """One instance, in plain eager: no gradients, weights of its own."""
        return frozen(self.module(**self.arguments(scale=scale, depth=depth, instance=instance)))


def frozen(module: nn.Module) -> nn.Module:
    """The module as a server holds it: evaluating, without gradients."""
    return module.eval().requires_grad_(False)
