"""The adapter gives the tower's values, exact and padded, and its shapes depend on the capacity alone."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

import models
from models.api import Capacity, Encoder, Grid
from models.encoder import GenericEncoder
from models.towers import build_tower
from selftests.models.mixes import NAMES, alone, mix, padded, pixels, roomy, rows_of

_SEEDS = range(6)


def _encoder(name: str) -> GenericEncoder:
    encoder = models.build(name)
    assert isinstance(encoder, GenericEncoder)
    return encoder


@pytest.mark.parametrize("name", NAMES)
def test_exact_metadata_gives_each_item_alone(name: str) -> None:
    """A packed batch with exact metadata equals the bare tower item by item, through every back end."""
    encoder = _encoder(name)
    for seed in _SEEDS:
        grids = mix(encoder.family.sizes, seed)
        batch = pixels(encoder.family, sum(map(encoder.family.sizes.rows, grids)), seed)
        expected = alone(encoder.family, grids, batch)
        for backend in encoder.backends():
            encoded = encoder.forward(batch, encoder.metadata(grids, backend=backend))
            assert_close(encoded, expected, rtol=1e-4, atol=3e-5)


@pytest.mark.parametrize("name", NAMES)
def test_padded_metadata_gives_each_item_alone(name: str) -> None:
    """So does a batch in a larger capacity over foreign pixels: with no, little and much room to spare."""
    encoder = _encoder(name)
    for seed in _SEEDS:
        grids = mix(encoder.family.sizes, seed)
        batch = pixels(encoder.family, sum(map(encoder.family.sizes.rows, grids)), seed)
        expected = alone(encoder.family, grids, batch)
        capacity = roomy(encoder.family.sizes, grids, spare=(0, 1, 17)[seed % 3])
        for backend in encoder.backends():
            encoded = padded(encoder, grids, batch, capacity, backend)
            assert_close(encoded, expected, rtol=1e-4, atol=3e-5)


@pytest.mark.parametrize("name", NAMES)
def test_rubbish_beyond_the_items_does_not_reach_them(name: str) -> None:
    """NaN in the pixels of the remainder image stays there, as with a real variable-length kernel."""
    encoder = _encoder(name)
    sizes = encoder.family.sizes
    grids = mix(sizes, seed=4)
    capacity = roomy(sizes, grids, spare=3)
    batch = pixels(encoder.family, rows_of(sizes, capacity), seed=4)
    rows, tokens = sum(map(sizes.rows, grids)), sum(map(sizes.tokens, grids))
    expected = alone(encoder.family, grids, batch[:rows])
    batch[rows:] = float("nan")
    for backend in encoder.backends():
        encoded = encoder.forward(batch, encoder.metadata(grids, capacity=capacity, backend=backend))
        assert_close(encoded[:tokens], expected, rtol=1e-4, atol=3e-5)
        assert encoded[tokens:].isnan().any()


@pytest.mark.parametrize("name", NAMES)
def test_a_capacity_can_be_filled_to_the_last_item_and_frame(name: str) -> None:
    """Tokens, items and frames all exactly used."""
    encoder = _encoder(name)
    sizes = encoder.family.sizes
    grids = mix(sizes, seed=3)
    batch = pixels(encoder.family, sum(map(sizes.rows, grids)), seed=3)
    frames = sum(each.frames for each in grids)
    full = Capacity(sum(map(sizes.tokens, grids)), len(grids), frames)
    encoded = padded(encoder, grids, batch, full, "flash")
    assert_close(encoded, alone(encoder.family, grids, batch), rtol=1e-4, atol=3e-5)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_depend_on_the_capacity_alone(name: str) -> None:
    """Whatever the batch, even without items, every tensor has one shape and type."""
    encoder = _encoder(name)
    sizes = encoder.family.sizes
    capacity = Capacity(sizes.unit * 160, items=5, frames=12)
    batches = [[], *(mix(sizes, seed, side=3) for seed in _SEEDS)]
    for backend in encoder.backends():
        seen = {
            tuple((key, value.shape, value.dtype, value.device) for key, value in sorted(found.items()))
            for found in (encoder.metadata(each, capacity=capacity, backend=backend) for each in batches)
        }
        assert len(seen) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_maximum_is_one_number_for_a_capacity(name: str) -> None:
    """A captured graph may hold it, so it must not be smaller for another batch of the same capacity."""
    encoder = _encoder(name)
    sizes = encoder.family.sizes
    capacity = Capacity(sizes.unit * 160, items=5, frames=12)
    first, second = (encoder.metadata(mix(sizes, seed, side=3), capacity=capacity) for seed in (0, 1))
    maxima = [key for key, value in first.items() if value.ndim == 0]
    assert [first[key] for key in maxima] == [second[key] for key in maxima]
    assert all(first[key] >= rows_of(sizes, capacity) for key in maxima)


@pytest.mark.parametrize("name", NAMES)
def test_the_adapter_is_a_separate_module_with_equal_weights(name: str) -> None:
    """A fault planted in one cannot reach the other."""
    ours, bare = _encoder(name).module.state_dict(), build_tower(name).module.state_dict()
    assert ours.keys() == bare.keys()
    for key, value in ours.items():
        assert torch.equal(value, bare[key])
        assert value.data_ptr() != bare[key].data_ptr()


def test_build_returns_one_encoder_per_process() -> None:
    """Encoders hold no state, so one serves everybody."""
    assert models.build("toy") is models.build("toy", device="cpu")
    encoder: Encoder = models.build("toy")
    assert encoder.family is models.family("toy")


@pytest.mark.parametrize(
    ("grids", "capacity", "message"),
    [
        ([Grid(1, 4, 4)], Capacity(3, 2, 2), "4 tokens do not fit a capacity of 3"),
        ([Grid(1, 2, 2)] * 3, Capacity(8, 2, 8), "3 items do not fit a capacity of 2"),
        ([Grid(4, 2, 2)], Capacity(8, 2, 3), "4 frames do not fit a capacity of 3"),
        ([], Capacity(0, 1, 1), "0 tokens is no multiple of 1"),
        ([Grid(1, 3, 4)], Capacity(8, 2, 2), "cannot encode a 3x4 grid"),
        ([Grid(9, 2, 2)], None, "cannot encode a 9x2x2 grid"),
        ([], None, "no metadata for no items"),
    ],
)
def test_what_does_not_fit_is_refused(grids: list[Grid], capacity: Capacity | None, message: str) -> None:
    """The message names the value and the limit."""
    with pytest.raises(ValueError, match=message):
        models.build("toy").metadata(grids, capacity=capacity)


def test_a_capacity_between_tiles_is_refused() -> None:
    """Half a tile cannot be filled."""
    with pytest.raises(ValueError, match="17 tokens is no multiple of 16"):
        models.build("llava").metadata([], capacity=Capacity(17, 1, 1))


def test_missing_metadata_is_refused() -> None:
    """The tower would compute it on the host, which a capture forbids."""
    encoder = models.build("toy")
    metadata = encoder.metadata([Grid(1, 4, 4)])
    del metadata["cu_seqlens"]
    with pytest.raises(ValueError, match=r"\['cu_seqlens'\] is missing"):
        encoder.forward(torch.zeros(16, 12), metadata)
