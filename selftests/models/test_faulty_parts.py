"""Every part can be replaced by a wrong one through the constructor, and the outputs then show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from models.api import Capacity, Grid, Sizes
from models.attention import SegmentedAttention, Segments
from models.backends import BACKENDS, Bucketed, Flash
from models.discovery import Recipe
from models.encoder import GenericEncoder
from models.padding import RemainderImage, RepeatLast, WholeCapacity, ZeroGrids
from models.survey import survey
from models.towers import Tower, build_tower
from selftests.models.mixes import alone, padded, pixels

_GRIDS = [Grid(1, 4, 6), Grid(1, 2, 8), Grid(1, 6, 2)]
_CAPACITY = Capacity(tokens=24, items=6, frames=6)


class _ShortRemainder(RemainderImage):
    def image(self, tokens: int, sizes: Sizes) -> Grid:
        """One token short."""
        return super().image(tokens - 1, sizes)


class _ZeroTail(RepeatLast):
    def pad(self, offsets: Tensor, length: int) -> Tensor:
        """Zeros in place of the last offset."""
        return torch.cat([offsets, offsets.new_zeros(length - offsets.shape[0])])


class _SmallMaximum(WholeCapacity):
    def bound(self, longest: Tensor, rows: int) -> Tensor:
        """That of some smaller batch."""
        return torch.full_like(longest, 8 if rows else 0)


class _OnesGrids(ZeroGrids):
    def pad(self, grid_thw: Tensor, items: int) -> Tensor:
        """The batch's grids overwritten, as a buffer that was never filled."""
        return torch.ones(items, 3, dtype=grid_thw.dtype)


class _OffByOne(SegmentedAttention):
    def segments(self, cu_seqlens: Tensor, rows: Tensor, longest: Tensor | int | None) -> Segments:
        """Each boundary one row early."""
        return super().segments(cu_seqlens, rows + 1, longest)


class _OtherUnits(Bucketed):
    def pack(self, section: Tensor) -> Tensor:
        """The section of values counted in another unit."""
        return torch.cat([section, section * 2])


@dataclass(frozen=True)
class _StaleRecipe(Recipe):
    """Always the metadata of one batch."""

    def values(self, grids: Sequence[Grid]) -> dict[str, Tensor]:
        """Those of the same grids lying on their side."""
        return super().values([Grid(each.frames, each.width, each.height) for each in grids])


def _stale(tower: Tower) -> GenericEncoder:
    seen = survey(tower)
    return GenericEncoder(tower, surveyed=replace(seen, recipe=_StaleRecipe(seen.recipe.steps)))


_FAULTS: dict[str, tuple[str, str, Callable[[Tower], GenericEncoder]]] = {
    "stale metadata": ("qwen3_vl", "flash", _stale),
    "offsets end in zeros": ("toy", "flash", lambda tower: GenericEncoder(tower, offsets=_ZeroTail())),
    "small maximum": ("toy", "flash", lambda tower: GenericEncoder(tower, maximum=_SmallMaximum())),
    "unfilled grids": ("glm4v", "flash", lambda tower: GenericEncoder(tower, zeros=_OnesGrids())),
    "boundaries off by one": ("toy", "flash", lambda tower: GenericEncoder(tower, attention=_OffByOne())),
    "values in other units": (
        "toy",
        "bucketed",
        lambda tower: GenericEncoder(tower, backends=(Flash(), _OtherUnits())),
    ),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_faulty_part_changes_the_values(fault: str) -> None:
    """And the sound encoder, built beside it, is not touched."""
    name, backend, make = _FAULTS[fault]
    tower = build_tower(name)
    batch = pixels(tower.family, sum(map(tower.family.sizes.rows, _GRIDS)), seed=7)
    expected = alone(tower.family, _GRIDS, batch)
    faulty = padded(make(tower), _GRIDS, batch, _CAPACITY, backend)
    assert not torch.allclose(faulty, expected, atol=0.01)
    sound = padded(GenericEncoder(tower, backends=BACKENDS), _GRIDS, batch, _CAPACITY, backend)
    assert torch.allclose(sound, expected, rtol=1e-4, atol=3e-5)


def test_a_remainder_that_is_too_small_changes_shapes() -> None:
    """Row metadata then has fewer rows than the capacity."""
    encoder = GenericEncoder(build_tower("toy"), remainder=_ShortRemainder())
    assert encoder.metadata(_GRIDS, capacity=_CAPACITY)["position_ids"].shape[0] == 4 * _CAPACITY.tokens - 4
