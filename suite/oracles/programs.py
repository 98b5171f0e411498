"""What a program does in plain eager: values, layout in memory, and what becomes of its inputs.

The twin builds modules and inputs of its own from the same description, so nothing that a subject does to its
module or its inputs reaches it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import torch
from torch import Tensor, nn

from models import programs
from suite.contract.program import Call, ProgramSpec, Start
from suite.contract.verdict import Difference
from suite.oracles.tolerance import compare

Sharing = tuple[str, str, int]
"""Two tensors in one piece of memory, and how many elements the second begins after the first."""


@dataclass(frozen=True)
class Answer:
    """What one call gave, and did to its inputs."""

    outputs: tuple[Tensor, ...]
    inputs: Mapping[str, Tensor]
    """The very tensors that were handed in, as they are after the call."""

    def sharing(self) -> frozenset[Sharing]:
        """Which outputs and inputs lie in the same memory."""
        named = [*self.inputs.items(), *((f"output {number}", each) for number, each in enumerate(self.outputs))]
        return frozenset(
            (one, other, int(second.storage_offset() - first.storage_offset()))
            for (one, first), (other, second) in combinations(named, 2)
            if _storage(first) == _storage(second)
        )


def _storage(tensor: Tensor) -> int:
    """The same number for tensors of one storage; an empty storage has no address to go by."""
    return int(tensor.untyped_storage()._cdata)  # noqa: SLF001 - torch has no public name for it


class Twin:
    """A program in eager, of the same specification."""

    def __init__(self, family: str, spec: ProgramSpec) -> None:
        self.family = family
        self.spec = spec

    def module(self, instance: int = 0) -> nn.Module:
        """The instance, built once per process and never compiled."""
        return _module(self.family, self.spec.name, self.spec.scale, self.spec.depth, instance)

    def inputs(self, call: Call) -> dict[str, Tensor]:
        """Fresh inputs of a call, the same values each time."""
        return programs.inputs(
            self.spec.name, call.sizes, seed=call.seed, optional=self.spec.optional, family=self.family
        )

    def answer(self, call: Call) -> Answer:
        """What eager gives for the call."""
        given = self.inputs(call)
        with torch.no_grad():
            outputs = self.module(call.instance)(**given)
        return Answer(tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,), given)


@lru_cache(maxsize=256)
def _module(family: str, name: str, scale: float, depth: int, instance: int) -> nn.Module:
    return programs.build(name, family=family, scale=scale, depth=depth, instance=instance)


@contextlib.contextmanager
def surroundings(start: Start) -> Iterator[None]:
    """The environment of a start's process."""
    with programs.environment(start.program.environment):
        yield


def difference(arm: str, got: Tensor, want: Tensor, *, output: int, call: int) -> Difference:
    """Two outputs of equal shape: within the tolerance of a floating dtype, otherwise equal to the bit."""
    if want.dtype.is_floating_point:
        return compare(arm, _rows(got), _rows(want), item=output, batch=call)
    wrong = _rows(got != want)
    place = tuple(int(number) for number in wrong.nonzero()[0]) if bool(wrong.any()) else ()
    return Difference(
        arm=arm,
        max_abs=float((got.double() - want.double()).abs().max()) if got.numel() else 0.0,
        max_rel=0.0,
        mismatched=int(wrong.sum()),
        total=want.numel(),
        nan=0,
        inf=0,
        index=place,
        item=output,
        batch=call,
    )


def _rows(tensor: Tensor) -> Tensor:
    """`[n, ...]` as `[n, channels]`, which is what differences are told in."""
    return tensor.flatten(1) if tensor.ndim > 1 else tensor.reshape(-1, 1)


def layouts(tensors: Sequence[Tensor]) -> tuple[str, ...]:
    """Dtype, shape and strides of each, as text."""
    return tuple(f"{each.dtype} {list(each.shape)} strides {list(each.stride())}" for each in tensors)


def forms(tensors: Sequence[Tensor]) -> tuple[str, ...]:
    """Dtype and shape of each, as text."""
    return tuple(f"{each.dtype} {list(each.shape)}" for each in tensors)
