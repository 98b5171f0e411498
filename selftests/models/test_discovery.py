"""Metadata is found by watching towers, and the recipe works for other grids."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from models.api import Capacity, Grid
from models.discovery import GRID, DiscoveryError, discover
from models.survey import Count, survey
from models.towers import build_tower
from selftests.models.mixes import NAMES

_FOUND = {
    "toy": "position_ids places cu_seqlens cu_window_seqlens max_seqlen max_window_seqlen",
    "qwen2_vl": "position_ids cu_seqlens max_seqlen",
    "qwen2_5_vl": "position_ids cu_seqlens max_seqlen window_index cu_window_seqlens max_window_seqlen",
    "qwen3_vl": "interp_indices interp_weights position_ids cu_seqlens max_seqlen",
    "glm4v": "position_ids cu_seqlens max_seqlen",
    "kimi_k25": "interp_indices interp_weights frame_index position_ids cu_seqlens max_seqlen temporal_merge_index",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_names_are_found(name: str) -> None:
    """Nothing missed, nothing imagined; tile towers have no metadata."""
    found = [each for step in survey(build_tower(name)).recipe.steps for each in step.names]
    assert found == _FOUND.get(name, "").split()


def test_counts_are_observed() -> None:
    """Offsets follow items, frames or neither, whatever they are called."""
    counts = {name: dict(survey(build_tower(name)).counts) for name in _FOUND}
    assert counts == {
        "toy": {"cu_seqlens": Count.ITEMS, "cu_window_seqlens": Count.FRAMES},
        "qwen2_vl": {"cu_seqlens": Count.FRAMES},
        "qwen2_5_vl": {"cu_seqlens": Count.FRAMES, "cu_window_seqlens": Count.TOKENS},
        "qwen3_vl": {"cu_seqlens": Count.FRAMES},
        "glm4v": {"cu_seqlens": Count.ITEMS},
        "kimi_k25": {"cu_seqlens": Count.ITEMS},
    }


def test_the_most_segments_of_a_capacity() -> None:
    """One more than its items or frames, for the remainder image; never more than its tokens."""
    capacity = Capacity(tokens=50, items=3, frames=7)
    assert [each.most(capacity) for each in (Count.ITEMS, Count.FRAMES, Count.TOKENS)] == [4, 8, 50]


def test_only_one_family_reads_its_grid_on_the_device() -> None:
    """GLM-4V; for the others the grid tensor is no metadata."""
    assert [name for name in NAMES if survey(build_tower(name)).reads_grid] == ["glm4v"]


def test_back_ends_are_those_that_give_the_values() -> None:
    """Refused: two kinds of segments through one keyword, offsets that the tower reads itself, no offsets."""
    bucketed = [name for name in NAMES if "bucketed" in survey(build_tower(name)).backends]
    assert bucketed == ["toy", "qwen2_vl", "qwen3_vl", "kimi_k25"]
    assert all("flash" in survey(build_tower(name)).backends for name in NAMES)


@pytest.mark.parametrize("name", ["toy", "qwen2_5_vl"])
def test_helpers_are_restored(name: str) -> None:
    """After watching, the tower's files hold the functions that they held before, also after an error."""
    tower = build_tower(name)
    files = [sys.modules[each] for each in {type(part).__module__ for part in tower.module.modules()}]
    before = [dict(vars(each)) for each in files]
    with pytest.raises(RuntimeError):
        discover(tower.module, torch.zeros(3, *tower.family.row_shape), Grid(1, 2, 2))
    survey.__wrapped__(tower)
    assert [dict(vars(each)) for each in files] == before


def offsets_from_pixels(pixels: Tensor, kwargs: dict[str, Tensor] | None = None) -> Tensor:
    """A helper whose answer depends on more than the grid."""
    return pixels if kwargs is None else kwargs.pop("cu_seqlens", pixels)


class _Opaque(nn.Module):
    def forward(self, pixels: Tensor, grid_thw: Tensor, **kwargs: Tensor) -> Tensor:
        """Whatever the helper says."""
        return offsets_from_pixels(pixels, kwargs=kwargs)


def test_a_helper_that_reads_other_tensors_is_refused() -> None:
    """A recipe for it would repeat one batch's values for every other."""
    with pytest.raises(DiscoveryError, match="neither the grid nor an earlier result"):
        discover(_Opaque(), torch.zeros(4, 12), Grid(1, 2, 2))


def test_a_recipe_serves_other_grids() -> None:
    """Values are those of the grids asked for, not of the grid that was watched."""
    values = survey(build_tower("qwen3_vl")).recipe.values([Grid(1, 2, 4), Grid(2, 4, 4)])
    assert values[GRID].tolist() == [[1, 2, 4], [2, 4, 4]]
    assert values["cu_seqlens"].tolist() == [0, 8, 24, 40]
    assert values["max_seqlen"].item() == 16
    assert values["position_ids"].shape == (40, 2)
