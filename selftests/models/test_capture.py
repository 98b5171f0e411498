"""What the forward must not do, so that a graph can capture it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from models.api import Capacity
from models.encoder import GenericEncoder
from models.towers import build_tower
from selftests.models.mixes import NAMES, mix, rows_of


class _OnMeta(TorchDispatchMode):
    """Fails on any operation that makes a tensor elsewhere: a copy from or to the host."""

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        for each in pytree.tree_leaves(result):
            assert not isinstance(each, Tensor) or each.device.type == "meta", func
        return result


_on_meta: Callable[[], AbstractContextManager[object]] = _OnMeta


@pytest.mark.parametrize("name", NAMES)
def test_the_forward_needs_no_values(name: str) -> None:
    """It runs on the meta device, where nothing can be read: no synchronisation, no shape taken from data.

    No operation makes a tensor on the host either, so nothing is copied to the device.
    """
    encoder = GenericEncoder(build_tower(name), device="meta")
    sizes = encoder.family.sizes
    capacity = Capacity(sizes.unit * 90, items=5, frames=12)
    pixels = torch.empty(rows_of(sizes, capacity), *encoder.family.row_shape, device="meta")
    for backend in encoder.backends():
        metadata = encoder.metadata(mix(sizes, 0, side=3), capacity=capacity, backend=backend)
        moved = {key: value.to("meta") for key, value in metadata.items()}
        with _on_meta():
            encoded = encoder.forward(pixels, moved)
        assert encoded.shape == (capacity.tokens, encoder.family.width)


@pytest.mark.parametrize("name", NAMES)
def test_the_bare_call_of_a_patch_tower_does_need_them(name: str) -> None:
    """The test above can fail: without metadata every patch tower reads its grid."""
    tower = build_tower(name)
    if tower.family.sizes.tile is not None:
        return
    rows = torch.empty(16, *tower.family.row_shape, device="meta")
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        tower.to("meta").module(rows, torch.ones(1, 3, dtype=torch.int64, device="meta"))
