"""What a size costs: tokens and frames of an item, from the family's own table."""

from __future__ import annotations

import torch

from models.api import Grid
from models.families import family as family_named
from suite.contract.case import Batch, ItemSpec


def tokens(family: str, grid: Grid) -> int:
    """Output tokens of one item."""
    return family_named(family).sizes.tokens(grid)


def frames(family: str, grid: Grid) -> int:
    """Frames of one item; the tiles of a tile family are rows of one frame."""
    return 1 if family_named(family).sizes.tile else grid.frames


def total_tokens(family: str, batch: Batch) -> int:
    """Output tokens of a batch."""
    return sum(tokens(family, spec.grid) for spec in batch)


def is_video(spec: ItemSpec) -> bool:
    """Whether the item is a clip."""
    return spec.modality == "video"


def rows(family: str, grid: Grid) -> int:
    """Input rows of one item: what ranks share out evenly."""
    return family_named(family).sizes.rows(grid)


def result_bytes(family: str, count: int) -> int:
    """Bytes of a result of so many output tokens: the zoo's towers answer in float32."""
    return count * family_named(family).width * torch.float32.itemsize
