"""Inputs of whole models: `input_ids [1, tokens]`, with an image of 8 by 8 or 16 frames of sound before the text."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Inputs = dict[str, Tensor]
IMAGE, AUDIO, VOCABULARY = 120, 121, 128
"""Ids that stand for one token of an image or of sound, and the number of ids."""


def words(tokens: int) -> Inputs:
    """`[1, tokens]` of text."""
    ids = torch.arange(tokens) * 7 % 100 + 3
    return {"input_ids": ids[None]}


def both(tokens: int) -> Inputs:
    """Text for the encoder and for the decoder."""
    return {**words(tokens + 1), "decoder_input_ids": words(tokens)["input_ids"]}


def _before(token: int, count: int, tokens: int) -> Tensor:
    return torch.cat([torch.full((1, count), token), words(tokens)["input_ids"]], dim=1)


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def picture(count: int) -> Callable[[int], Inputs]:
    """One image of 8 by 8 that becomes so many tokens, then text."""

    def inputs(tokens: int) -> Inputs:
        ids = _before(IMAGE, count, tokens)
        return {"input_ids": ids, "pixel_values": _noise(1, 3, 8, 8), "token_type_ids": (ids == IMAGE).long()}

    return inputs


def tiles(count: int) -> Callable[[int], Inputs]:
    """As `plain_picture`, with an image that is one tile."""

    def inputs(tokens: int) -> Inputs:
        return {"input_ids": _before(IMAGE, count, tokens), "pixel_values": _noise(1, 1, 3, 8, 8)}

    return inputs


def plain_picture(count: int) -> Callable[[int], Inputs]:
    """As `picture`, for models without token types."""

    def inputs(tokens: int) -> Inputs:
        return {"input_ids": _before(IMAGE, count, tokens), "pixel_values": _noise(1, 3, 8, 8)}

    return inputs


def patches(tokens: int) -> Inputs:
    """One image of 4 by 4 patches that become 4 tokens, then text."""
    ids = _before(IMAGE, 4, tokens)
    grid = torch.tensor([[1, 4, 4]])
    pixels = _noise(16, 3 * 2 * 4 * 4)
    return {"input_ids": ids, "pixel_values": pixels, "image_grid_thw": grid, "mm_token_type_ids": (ids == IMAGE).int()}


def sound(tokens: int) -> Inputs:
    """16 frames that become 4 tokens, then text."""
    return {
        "input_ids": _before(AUDIO, 4, tokens),
        "input_features": _noise(1, 8, 16),
        "feature_attention_mask": torch.ones(1, 16, dtype=torch.long),
    }


def speech(tokens: int) -> Inputs:
    """16 frames for the encoder, text for the decoder."""
    return {"input_features": _noise(1, 8, 16), "decoder_input_ids": words(tokens)["input_ids"]}


def seen(tokens: int) -> Inputs:
    """An image for the encoder, text for the decoder."""
    return {"pixel_values": _noise(1, 3, 8, 8), "decoder_input_ids": words(tokens)["input_ids"]}
