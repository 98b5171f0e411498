"""Real photographs, through transformers' own processors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

import models
from models.photographs import photograph_items
from selftests.models.mixes import alone

_WITH_PROCESSOR = [each.name for each in models.FAMILIES if each.processor]
_FOLDER = Path(models.__file__).parent / "photographs"


@pytest.mark.parametrize("name", _WITH_PROCESSOR)
def test_photographs_are_items_of_the_family(name: str) -> None:
    """Four small items that the family accepts, and the adapter gives the tower's values for them."""
    encoder = models.build(name)
    items = photograph_items(encoder.family)
    assert len(items) == 4
    for item in items:
        assert encoder.family.sizes.accepts(item.grid)
        assert item.pixels.shape == (encoder.family.sizes.rows(item.grid), *encoder.family.row_shape)
        assert encoder.family.sizes.tokens(item.grid) <= 36
    grids, batch = [each.grid for each in items], torch.cat([each.pixels for each in items])
    encoded = encoder.forward(batch, encoder.metadata(grids))
    assert_close(encoded, alone(encoder.family, grids, batch), rtol=1e-4, atol=3e-5)


def test_sizes_differ() -> None:
    """Photographs have other shapes, so patch families get other grids and InternVL other tile counts."""
    for name in ("qwen3_vl", "internvl"):
        assert len({each.grid for each in photograph_items(models.family(name))}) >= 3


def test_a_family_without_processor_is_refused() -> None:
    """With the names of those that have one."""
    with pytest.raises(ValueError, match="toy has no image processor here: choose one of qwen2_vl"):
        photograph_items(models.family("toy"))


def test_every_photograph_is_small_and_its_rights_are_stated() -> None:
    """Each file below 15 kB, and a line in the README."""
    readme = (_FOLDER / "README.md").read_text()
    for path in _FOLDER.glob("*.jpg"):
        assert path.stat().st_size < 15_000
        assert f"`{path.name}`" in readme
