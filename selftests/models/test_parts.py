"""The small parts of the adapter, each alone."""

from __future__ import annotations

import pytest
import torch
from transformers.models.internvl.modeling_internvl import InternVLModel

import models
from models.api import Capacity, Grid, Sizes
from models.backends import Bucketed, lengths_name
from models.padding import RemainderImage, RepeatLast, WholeCapacity, ZeroGrids
from models.towers.internvl import merge

_MERGED = Sizes(merge=2)
_TILES = Sizes(tile=(4, 4), tokens_per_tile=16)


@pytest.mark.parametrize(
    ("sizes", "grids", "tokens", "remainder"),
    [
        (_MERGED, [Grid(1, 4, 4)], 9, [Grid(1, 2, 10)]),
        (_MERGED, [Grid(1, 4, 4)], 4, []),
        (_MERGED, [], 1, [Grid(1, 2, 2)]),
        (_TILES, [Grid(2, 4, 4)], 80, [Grid(3, 4, 4)]),
    ],
)
def test_the_remainder_is_one_image(sizes: Sizes, grids: list[Grid], tokens: int, remainder: list[Grid]) -> None:
    """It has exactly the tokens left over, and there is none where nothing is left."""
    filled = RemainderImage().grids(grids, Capacity(tokens, 9, 9), sizes)
    assert filled == grids + remainder
    assert sum(map(sizes.tokens, filled)) == tokens


def test_offsets_repeat_their_last_value() -> None:
    """Segments without rows; nothing is added where nothing is missing."""
    assert RepeatLast().pad(torch.tensor([0, 4, 9]), 5).tolist() == [0, 4, 9, 9, 9]
    assert RepeatLast().pad(torch.tensor([0, 4, 9]), 3).tolist() == [0, 4, 9]


def test_grids_end_in_zeros() -> None:
    """Items without patches."""
    assert ZeroGrids().pad(torch.tensor([[1, 2, 4]]), 3).tolist() == [[1, 2, 4], [0, 0, 0], [0, 0, 0]]


def test_a_maximum_is_all_rows() -> None:
    """In the type of the exact value."""
    bound = WholeCapacity().bound(torch.tensor(7, dtype=torch.int32), 64)
    assert (bound.item(), bound.dtype) == (64, torch.int32)


@pytest.mark.parametrize(("sequences", "bucket"), [(1, 8), (8, 8), (9, 16), (16, 16), (17, 32)])
def test_buckets_are_powers_of_two(sequences: int, bucket: int) -> None:
    """At least 8, and never smaller than the sequences."""
    assert Bucketed().bucket(sequences) == bucket


def test_bucketed_metadata_has_two_sections_and_lengths() -> None:
    """Each section is padded by itself; lengths of missing sequences are zero."""
    rewritten = Bucketed().rewrite({"cu_seqlens": torch.tensor([0, 4, 10]), "max_seqlen": torch.tensor(6)})
    section = [0, 4, 10, 10, 10, 10, 10, 10, 10]
    assert rewritten["cu_seqlens"].tolist() == section + section
    assert rewritten["sequence_lengths"].tolist() == [4, 6, 0, 0, 0, 0, 0, 0]
    assert rewritten["max_seqlen"] == 6


def test_lengths_are_named_after_their_offsets() -> None:
    """As engines call them."""
    names = [lengths_name(each) for each in ("cu_seqlens", "cu_window_seqlens")]
    assert names == ["sequence_lengths", "window_sequence_lengths"]


def test_a_back_end_without_metadata_is_refused() -> None:
    """The message names the family, the back end and the choices (SPEC G10)."""
    encoder = models.build("qwen2_5_vl")
    assert encoder.backends() == ("flash",)
    with pytest.raises(ValueError, match="qwen2_5_vl cannot build metadata for back end 'bucketed': use flash"):
        encoder.metadata([Grid(1, 4, 4)], backend="bucketed")


def test_internvl_merges_like_the_original() -> None:
    """Our few lines equal transformers' pixel shuffle, channel order included."""
    patches = torch.arange(2 * 16 * 3.0).view(2, 16, 3)
    original_model = InternVLModel.__new__(InternVLModel)  # the method reads no state
    original = original_model.pixel_shuffle(patches.view(2, 4, 4, 3), 0.5)
    assert torch.equal(merge(patches), original.reshape(2, 4, 12))
