"""What a capture must know of an ATen operation, read once from its schema and tags."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch._ops import OpOverload

from suite.emulator.internals import is_composite, qualified_name, written_arguments

_LEAVE_UNWRITTEN = frozenset(
    ("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided")
)
_HOST_SCALARS = frozenset(("masked_fill", "masked_fill_", "fill_", "index_fill", "index_fill_", "where", "lerp"))
_BUILT_IN = ("aten", "prims", "prim")


@dataclass(frozen=True)
class Nature:
    """The facts of one operation.

    `writes` are the arguments that the operation changes, as (position, name) pairs.
    """

    name: str
    full_name: str
    """With namespace and overload, as messages name the operation."""
    is_view: bool
    composite: bool
    foreign: bool
    """Not one of torch's own: its inside is not recorded, only watched for refusals."""
    layout_only: bool
    """Changes the shape or strides of its argument in place, and no memory."""
    leaves_unwritten: bool
    bakes_host_data: bool
    seeded: bool
    asserts: bool
    """Returns nothing and writes nothing, yet is a kernel."""
    metadata_only: bool
    """Looks at the shape and dtype of its tensors, never at their memory: `zeros_like`, `new_full`."""
    takes_host_scalars: bool
    """CUDA passes a host tensor of no dimensions to its kernel by value."""
    writes: tuple[tuple[int, str], ...]

    def written(self, args: Sequence[object], kwargs: Mapping[str, object]) -> list[object]:
        """The arguments of a call that it changes."""
        count = len(args)
        return [args[at] if at < count else kwargs[name] for at, name in self.writes if at < count or name in kwargs]


@functools.cache
def nature_of(operation: OpOverload) -> Nature:
    """The nature of an operation."""
    namespace, _, name = qualified_name(operation).partition("::")
    writes = tuple(written_arguments(operation))
    return Nature(
        name=name,
        full_name=str(operation),
        is_view=operation.is_view and not writes and name != "lift_fresh",
        composite=is_composite(operation),
        foreign=namespace not in _BUILT_IN,
        layout_only=torch.Tag.inplace_view in operation.tags,
        leaves_unwritten=name in _LEAVE_UNWRITTEN and not writes,
        bakes_host_data=name == "lift_fresh",
        asserts=name.startswith("_assert"),
        seeded=torch.Tag.nondeterministic_seeded in operation.tags,
        metadata_only=name.endswith("_like") or name.startswith("new_"),
        takes_host_scalars=torch.Tag.pointwise in operation.tags or name in _HOST_SCALARS,
        writes=writes,
    )


def tensors_in(value: object) -> list[Tensor]:
    """The tensors in an argument or a result: a tensor, or lists and tuples of them."""
    found: list[Tensor] = []
    _gather(value, found)
    return found


def tensors_with_paths(value: object, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    """As `tensors_in`, each with the indices that lead to it."""
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from tensors_with_paths(each, (*path, index))


def _gather(value: object, found: list[Tensor]) -> None:
    if isinstance(value, Tensor):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _gather(each, found)
