"""Attention within segments, against the definition written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from models.attention import SegmentedAttention, kernels_seen

_ATTEND = SegmentedAttention()
_ROWS = 12


def _inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value, `[1, 2, 12, 8]` each."""
    query, key, value = torch.randn(3, 1, 2, _ROWS, 8, generator=torch.Generator().manual_seed(1))
    return query, key, value


def _offsets(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int32)


def _attend(
    offsets: Tensor, longest: int = _ROWS, lengths: Tensor | None = None, value: Tensor | None = None
) -> Tensor:
    """`[12, 2, 8]`."""
    query, key, drawn = _inputs()
    mixed, _ = _ATTEND(
        nn.Identity(),
        query,
        key,
        drawn if value is None else value,
        None,
        cu_seq_lens_q=offsets,
        max_length_q=torch.tensor(longest),
        sequence_lengths=lengths,
    )
    return mixed[0]


def _by_hand(*bounds: tuple[int, int]) -> Tensor:
    """`[rows, 2, 8]`: each segment through torch's own attention."""
    parts = [tuple(each[:, :, start:end] for each in _inputs()) for start, end in bounds]
    mixed = [nn.functional.scaled_dot_product_attention(q, k, v) for q, k, v in parts]
    return torch.cat(mixed, dim=2)[0].transpose(0, 1)


def test_rows_attend_within_their_segment() -> None:
    """Three segments of other lengths."""
    assert_close(_attend(_offsets(0, 3, 4, 12)), _by_hand((0, 3), (3, 4), (4, 12)))


def test_repeated_offsets_are_segments_without_rows() -> None:
    """At the end, as padding, and in the middle."""
    assert_close(_attend(_offsets(0, 5, 5, 12, 12, 12)), _by_hand((0, 5), (5, 12)))


def test_offsets_that_do_not_ascend_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Padding with zeros in place of the last offset leaves rows unwritten."""
    monkeypatch.setattr(torch, "empty_like", lambda each: torch.full_like(each, 77.0))
    assert (_attend(_offsets(0, 4, 12, 0))[4:] == 77).any()
    assert (_attend(_offsets(0, 4, 12, 0, 0))[:4] == 77).all()


def test_rows_after_the_last_offset_are_not_read() -> None:
    """A NaN in their values reaches no row of a segment: it is selected away, not multiplied by zero."""
    value = _inputs()[2].clone()
    value[:, :, 9:] = float("nan")
    assert_close(_attend(_offsets(0, 4, 9), value=value)[:9], _by_hand((0, 4), (4, 9)))


@pytest.mark.parametrize("rubbish", [float("nan"), float("inf")])
def test_a_segment_keeps_its_rubbish_to_itself(rubbish: float) -> None:
    """One NaN or infinity makes its own segment NaN, whole, and no other."""
    value = _inputs()[2].clone()
    value[0, 0, 5, 0] = rubbish
    mixed = _attend(_offsets(0, 4, 9, 12), value=value)
    assert mixed[4:9, 0].isnan().all()
    assert_close(mixed[:4], _by_hand((0, 4)))
    assert_close(mixed[9:], _by_hand((9, 12)))


def test_rows_after_the_last_offset_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep what the output memory held, as a real kernel leaves them."""
    monkeypatch.setattr(torch, "empty_like", lambda each: torch.full_like(each, 77.0))
    mixed = _attend(_offsets(0, 4, 9))
    assert (mixed[9:] == 77).all()
    assert (mixed[:9] != 77).all()


def test_rows_beyond_the_declared_maximum_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A maximum that is too small shows: this is how a baked one is found."""
    monkeypatch.setattr(torch, "empty_like", lambda each: torch.full_like(each, 77.0))
    mixed = _attend(_offsets(0, 4, 12), longest=5)
    assert_close(mixed[:4], _by_hand((0, 4)))
    assert (mixed[9:] == 77).all()


def test_packed_sections_equal_offsets() -> None:
    """The bucketed form of the same segments gives the same values."""
    section = _offsets(0, 3, 4, 12, 12, 12)
    mixed = _attend(torch.cat([section, section]), lengths=section.diff())
    assert_close(mixed, _by_hand((0, 3), (3, 4), (4, 12)))


def test_each_packed_section_matters() -> None:
    """Offsets of queries, offsets of values and lengths are all read."""
    section = _offsets(0, 3, 4, 12)
    other = _offsets(0, 3, 5, 12)
    right = _attend(torch.cat([section, section]), lengths=section.diff())
    for offsets, lengths in (
        (torch.cat([other, section]), section.diff()),
        (torch.cat([section, other]), section.diff()),
        (torch.cat([section, section]), section.diff() - 1),
    ):
        assert not torch.allclose(_attend(offsets, lengths=lengths), right)


def test_without_offsets_every_row_attends_to_all() -> None:
    """So do the tiles of a tower that has no sequence metadata."""
    mixed, _ = _ATTEND(nn.Identity(), *_inputs(), None, scaling=None)
    assert_close(mixed[0], _by_hand((0, _ROWS)))


def test_who_watches_sees_which_kernels_run() -> None:
    """Each watcher those that run while it watches, also inside another's watch."""
    section = _offsets(0, 3, 12)
    with kernels_seen() as outer:
        _attend(section)
        with kernels_seen() as inner:
            _attend(torch.cat([section, section]), lengths=section.diff())
    _attend(section)
    assert (inner, outer) == ({"bucketed"}, {"bucketed", "flash"})
