"""Families say what is true of their towers."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import models
from models.api import Grid
from models.towers import _build_tower, build_tower
from selftests.models.mixes import NAMES, mix, pixels


@pytest.mark.parametrize("name", NAMES)
def test_a_family_tells_its_towers_shapes(name: str) -> None:
    """Row shape, tokens and width are those of the tower, for several grids."""
    family = models.family(name)
    tower = build_tower(name)
    for grid in {each for seed in range(3) for each in mix(family.sizes, seed)}:
        encoded = tower.encode(pixels(family, family.sizes.rows(grid), seed=0), grid)
        assert encoded.shape == (family.sizes.tokens(grid), family.width)


@pytest.mark.parametrize("name", NAMES)
def test_building_draws_no_random_numbers_of_the_process(name: str) -> None:
    """They are the caller's."""
    before = torch.get_rng_state()
    _build_tower.__wrapped__(name, "cpu")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_of_order_one(name: str) -> None:
    """With small outputs a stale buffer would hide below every tolerance."""
    family = models.family(name)
    grid = mix(family.sizes, 0)[0]
    spread = build_tower(name).encode(pixels(family, family.sizes.rows(grid), seed=0), grid).std()
    assert 0.3 < spread < 5


@pytest.mark.parametrize("name", NAMES)
def test_an_item_of_most_frames_is_encoded(name: str) -> None:
    """`max_frames` is no more than the tower takes."""
    family = models.family(name)
    sizes = family.sizes
    height, width = sizes.tile or (sizes.merge, 2 * sizes.merge)
    grid = Grid(sizes.max_frames, height, width)
    encoded = build_tower(name).encode(pixels(family, sizes.rows(grid), seed=0), grid)
    assert encoded.shape[0] == sizes.tokens(grid)
    assert encoded.isfinite().all()


def test_an_unknown_family_lists_the_valid_names() -> None:
    """One sentence with the name and the choices, from `family`, `build` and `build_tower` alike."""
    for ask in (models.family, models.build, build_tower):
        with pytest.raises(models.UnknownFamily, match="no family 'tpy': choose one of toy, qwen2_vl"):
            ask("tpy")


def test_the_toy_needs_no_transformers() -> None:
    """Importing the zoo and building the toy does not import transformers, which takes seconds."""
    code = "import sys, models; models.build('toy'); print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_toy_is_the_cheapest() -> None:
    """Costs are relative to the toy's, and families are listed with the toy first."""
    costs = [each.cost for each in models.FAMILIES]
    assert costs[0] == 1 == min(costs)
    assert max(costs) <= 20
