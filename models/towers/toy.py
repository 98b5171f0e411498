"""The toy: the smallest tower in which every kind of mistake can show.

Tokens of one item interact, tokens of two items do not. Positions are learnt by frame, row and column, and
depend on the size of the item too, so that equal token counts with other sides give other values. It asks for
its metadata as the towers of transformers do, through helpers that take `kwargs`.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.families import family
from models.towers.base import AttentionFunction, Sequences, Tower

_HIDDEN = 16
_HEADS = 2
_FRAMES = 8
_SIDE = 64
_SEED = 20260

Metadata = dict[str, Tensor]


def build() -> Tower:
    """The toy."""
    toy = family("toy")
    generator = torch.Generator().manual_seed(_SEED)
    return ToyTower(toy, _Toy(toy.row_shape[0], toy.width, toy.sizes.merge, generator))


class ToyTower(Tower):
    """The toy with its own plain attention, one segment at a time."""

    def _attend(self, module: nn.Module, attention: AttentionFunction) -> None:
        if not isinstance(module, _Toy):
            raise TypeError(f"A toy tower holds a toy module, not a {type(module).__name__}.")
        module.attention = attention


class _Toy(nn.Module):
    def __init__(self, channels: int, width: int, merge: int, generator: torch.Generator) -> None:
        super().__init__()
        self.merge = merge
        self.attention: AttentionFunction = _PlainAttention()
        self.embed = _linear(channels, _HIDDEN, generator)
        self.positions = nn.Parameter(torch.randn(_FRAMES + 2 * _SIDE, _HIDDEN, generator=generator))
        self.place = _linear(2, _HIDDEN, generator)
        self.frame_block = _Block(generator)
        self.item_block = _Block(generator)
        self.merger = _linear(_HIDDEN * merge**2, width, generator)

    def forward(self, pixels: Tensor, grid_thw: Tensor, **kwargs: Tensor) -> Tensor:
        """`[patches, channels]` and `grid_thw [items, 3]` to `[tokens, width]`."""
        position_ids = toy_position_ids(grid_thw, self.merge, kwargs=kwargs)
        places = toy_places(grid_thw, self.merge, kwargs=kwargs)
        items = toy_cu_seqlens(grid_thw, kwargs=kwargs)
        frames = toy_cu_window_seqlens(grid_thw, kwargs=kwargs)
        longest = toy_longest(items, "max_seqlen", kwargs=kwargs)
        longest_frame = toy_longest(frames, "max_window_seqlen", kwargs=kwargs)

        rows = self.embed(pixels) + functional.embedding(position_ids, self.positions).sum(1) + self.place(places)
        lengths = kwargs.get("window_sequence_lengths")
        rows = self.frame_block(rows, self.attention, frames, longest_frame, lengths)
        rows = self.item_block(rows, self.attention, items, longest, kwargs.get("sequence_lengths"))
        merged: Tensor = self.merger(rows.view(-1, _HIDDEN * self.merge**2).tanh())
        return merged


class _Block(nn.Module):
    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.qkv = _linear(_HIDDEN, 3 * _HIDDEN, generator)
        self.out = _linear(_HIDDEN, _HIDDEN, generator)

    def forward(
        self,
        rows: Tensor,
        attention: AttentionFunction,
        cu_seqlens: Tensor,
        max_seqlen: int | Tensor,
        sequence_lengths: Tensor | None,
    ) -> Tensor:
        """`[patches, hidden]` to the same, mixed within the segments of `cu_seqlens`."""
        qkv = self.qkv(functional.layer_norm(rows, (_HIDDEN,)))
        query, key, value = qkv.view(1, -1, 3, _HEADS, _HIDDEN // _HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        mixed, _ = attention(
            self,
            query,
            key,
            value,
            None,
            cu_seq_lens_q=cu_seqlens,
            cu_seq_lens_k=cu_seqlens,
            max_length_q=max_seqlen,
            max_length_k=max_seqlen,
            sequence_lengths=sequence_lengths,
        )
        mixed_in: Tensor = rows + self.out(mixed.reshape(-1, _HIDDEN))
        return mixed_in


def toy_position_ids(grid_thw: Tensor, merge: int, kwargs: Metadata | None = None) -> Tensor:
    """`[patches, 3]`: rows of the position table for frame, row and column, in the order of merged blocks."""
    if kwargs is not None and (given := kwargs.pop("position_ids", None)) is not None:
        return given
    return torch.cat([_positions(*sides, merge) for sides in grid_thw.tolist()])


def toy_places(grid_thw: Tensor, merge: int, kwargs: Metadata | None = None) -> Tensor:
    """`[patches, 2]`: height and width of each patch as a share of its item's, from -1 to 1."""
    if kwargs is not None and (given := kwargs.pop("places", None)) is not None:
        return given
    return torch.cat([_places(*sides, merge) for sides in grid_thw.tolist()])


def toy_cu_seqlens(grid_thw: Tensor, kwargs: Metadata | None = None) -> Tensor:
    """`[items + 1]`, int32: where each item begins, and the end."""
    if kwargs is not None and (given := kwargs.pop("cu_seqlens", None)) is not None:
        return given
    return functional.pad(grid_thw.prod(1).cumsum(0), (1, 0)).int()


def toy_cu_window_seqlens(grid_thw: Tensor, kwargs: Metadata | None = None) -> Tensor:
    """`[frames + 1]`, int32: where each frame begins, and the end."""
    if kwargs is not None and (given := kwargs.pop("cu_window_seqlens", None)) is not None:
        return given
    lengths = (grid_thw[:, 1] * grid_thw[:, 2]).repeat_interleave(grid_thw[:, 0])
    return functional.pad(lengths.cumsum(0), (1, 0)).int()


def toy_longest(cu_seqlens: Tensor, name: str, kwargs: dict[str, Tensor] | None = None) -> int | Tensor:
    """Rows of the longest segment, given under `name`."""
    if kwargs is not None and (given := kwargs.pop(name, None)) is not None:
        return given
    return int(cu_seqlens.diff().max())


class _PlainAttention(AttentionFunction):
    """Each segment alone through torch's own attention; reads the offsets on the host."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None, sequences: Sequences) -> Tensor:
        lengths = [query.shape[2]] if sequences.offsets is None else sequences.offsets.diff().tolist()
        splits = zip(*(torch.split(each, lengths, dim=2) for each in (query, key, value)), strict=True)
        mixed = [functional.scaled_dot_product_attention(q, k, v, scale=scaling) for q, k, v in splits]
        return torch.cat(mixed, dim=2)


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """Weights of a size that keeps values of order one, so that a stale buffer cannot hide."""
    linear = nn.Linear(inputs, outputs)
    with torch.no_grad():
        linear.weight.copy_(torch.randn(outputs, inputs, generator=generator) * 1.5 / inputs**0.5)
        linear.bias.copy_(torch.randn(outputs, generator=generator) * 0.1)
    return linear


def _blocks(frames: int, height: int, width: int, merge: int) -> tuple[Tensor, Tensor, Tensor]:
    """Frame, row and column of each patch, `[patches]` each; those of one output token are neighbours."""
    index = torch.arange(frames * height * width)
    inside, block = index % merge**2, index // merge**2
    across, down = width // merge, height // merge
    row = block // across % down * merge + inside // merge
    return block // (across * down), row, block % across * merge + inside % merge


@lru_cache(maxsize=256)
def _positions(frames: int, height: int, width: int, merge: int) -> Tensor:
    frame, row, column = _blocks(frames, height, width, merge)
    return torch.stack([frame % _FRAMES, _FRAMES + row % _SIDE, _FRAMES + _SIDE + column % _SIDE], dim=1)


@lru_cache(maxsize=256)
def _places(frames: int, height: int, width: int, merge: int) -> Tensor:
    _, row, column = _blocks(frames, height, width, merge)
    return torch.stack([(row + 0.5) / height, (column + 0.5) / width], dim=1) * 2 - 1
