"""The eager oracle: each item alone, twice the same, and nobody can spoil it."""

from __future__ import annotations

import pytest
import torch

from models.api import Grid, Item
from models.families import FAMILIES, family
from models.towers import build_tower
from suite.contract.case import Case, ItemSpec, draw_pixels
from suite.oracles.eager import items, photographs, solo, solo_again
from suite.oracles.sizes import frames, is_video, tokens, total_tokens

NAMES = [each.name for each in FAMILIES]
CHEAP = ("toy", "qwen2_vl", "llava")


def _spec(name: str) -> ItemSpec:
    sizes = family(name).sizes
    return ItemSpec(Grid(2, *sizes.tile) if sizes.tile else Grid(1, 4, 6), seed=2)


@pytest.mark.parametrize("name", CHEAP)
def test_solo_equals_a_second_computation(name: str) -> None:
    """The kept answer, a fresh one, and one through a forked module with the same weights agree bit for bit."""
    spec = _spec(name)
    kept = solo(name, spec)
    assert kept.shape == (tokens(name, spec.grid), family(name).width)
    assert torch.equal(kept, solo_again(name, spec))
    item = draw_pixels(spec, family(name))
    sides = torch.tensor([[item.grid.frames, item.grid.height, item.grid.width]])
    with torch.no_grad():
        assert torch.equal(kept, build_tower(name).module(item.pixels, sides))


def test_solo_cannot_be_spoilt() -> None:
    """Writing into an answer, or into an item, changes no later answer."""
    spec = _spec("toy")
    before = solo("toy", spec).clone()
    solo("toy", spec).fill_(0.0)
    items(Case("toy"), (spec,))[0].pixels.fill_(0.0)
    assert torch.equal(solo("toy", spec), before)
    assert torch.equal(solo_again("toy", spec), before)


def test_solo_tells_items_apart() -> None:
    """Another seed, another size and other pixels each give another answer."""
    spec = ItemSpec(Grid(1, 4, 4), seed=0)
    others = [ItemSpec(Grid(1, 4, 4), seed=1), ItemSpec(Grid(1, 2, 8)), ItemSpec(Grid(1, 4, 4), fill=0.5)]
    assert all(not torch.equal(solo("toy", spec), solo("toy", other)) for other in others)


def test_items_are_fresh_and_in_order() -> None:
    """One item per spec, each with pixels of its own, even for equal specs."""
    batch = (ItemSpec(Grid(1, 2, 2), seed=1), ItemSpec(Grid(1, 2, 4)), ItemSpec(Grid(1, 2, 2), seed=1))
    made = items(Case("toy", history=(batch,)), batch)
    assert [item.grid for item in made] == [spec.grid for spec in batch]
    assert torch.equal(made[0].pixels, made[2].pixels)
    assert made[0].pixels.data_ptr() != made[2].pixels.data_ptr()


def test_photographs_are_fresh_too() -> None:
    """A subject that writes into a photograph harms no later one."""
    spec = ItemSpec(photographs("qwen2_vl")[0].grid, photograph=0)
    first = items(Case("qwen2_vl"), (spec,))[0]
    before = first.pixels.clone()
    first.pixels.zero_()
    assert torch.equal(items(Case("qwen2_vl"), (spec,))[0].pixels, before)
    assert isinstance(first, Item)
    assert bool(before.any())


def test_sizes_follow_the_family() -> None:
    """Patches merge into tokens; a tile is a row and not a frame; totals are sums."""
    assert tokens("toy", Grid(2, 4, 6)) == 2 * 4 * 6 // 4
    assert tokens("llava", Grid(3, 4, 4)) == 3 * 16
    assert (frames("toy", Grid(3, 2, 2)), frames("llava", Grid(3, 4, 4))) == (3, 1)
    assert total_tokens("toy", (ItemSpec(Grid(1, 2, 2)), ItemSpec(Grid(1, 4, 4)))) == 5
    assert total_tokens("toy", ()) == 0
    assert is_video(ItemSpec(Grid(2, 2, 2), modality="video"))
    assert not is_video(ItemSpec(Grid(2, 2, 2)))
