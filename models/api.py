"""The neutral shapes in which every part of the project speaks of encoders.

Nothing here knows a model, a capture or the suite. A *grid* is counted in patches, an *item* is one
image, tile set or clip, a *family* is what can be known of a tower without building it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, order=True)
class Grid:
    """The size of one item: frames (or tiles), and height and width in patches."""

    frames: int
    height: int
    width: int

    @property
    def patches(self) -> int:
        """Number of patches in all frames."""
        return self.frames * self.height * self.width

    def __str__(self) -> str:
        side = f"{self.height}x{self.width}"
        return side if self.frames == 1 else f"{self.frames}x{side}"


@dataclass(frozen=True)
class Sizes:
    """The grids that a family accepts, and what each costs.

    A *patch* family takes any height and width that are multiples of `merge`; one input row is one patch.
    A *tile* family (`tile` given) takes any number of tiles of that one size; one input row is one tile.
    """

    merge: int = 1
    max_frames: int = 1
    max_side: int = 64
    tile: tuple[int, int] | None = None
    tokens_per_tile: int = 0

    def tokens(self, grid: Grid) -> int:
        """Output tokens of one item."""
        if self.tile is not None:
            return grid.frames * self.tokens_per_tile
        return grid.patches // self.merge**2

    def rows(self, grid: Grid) -> int:
        """Input rows of one item: patches, or tiles."""
        return grid.frames if self.tile is not None else grid.patches

    @property
    def unit(self) -> int:
        """Tokens of the smallest item: every item's tokens are a multiple of it."""
        return self.tokens_per_tile if self.tile is not None else 1

    @property
    def rows_per_unit(self) -> int:
        """Input rows that make `unit` output tokens."""
        return 1 if self.tile is not None else self.merge**2

    @property
    def max_tokens(self) -> int:
        """Output tokens of the largest image: all tiles, or one frame at full height and width."""
        if self.tile is not None:
            return self.max_frames * self.tokens_per_tile
        return (self.max_side // self.merge) ** 2

    def accepts(self, grid: Grid) -> bool:
        """Whether a tower of this family can encode the grid at all."""
        if min(grid.frames, grid.height, grid.width) < 1 or grid.frames > self.max_frames:
            return False
        if self.tile is not None:
            return (grid.height, grid.width) == self.tile
        sides = (grid.height, grid.width)
        return all(side % self.merge == 0 and side <= self.max_side for side in sides)


@dataclass(frozen=True)
class Family:
    """What is known of a tower without building it."""

    name: str
    sizes: Sizes
    row_shape: tuple[int, ...]
    """Shape of one input row: `[channels * patch ** 2]` or `[channels, height, width]`."""
    width: int
    """Output width, extra outputs (deepstack) included."""
    cost: float = 1.0
    """Seconds of one example relative to the toy's: profiles divide their example counts by it."""
    modalities: tuple[str, ...] = ("image",)
    backends: tuple[str, ...] = ("flash",)
    """Attention back ends whose metadata its encoder can build (SPEC G10)."""
    processor: str | None = None
    """Name of transformers' PIL image processor, for real photographs."""


@dataclass(frozen=True)
class Item:
    """One image, tile set or clip: its grid, and `pixels` of shape `[rows, *row_shape]`."""

    grid: Grid
    pixels: Tensor
    modality: str = "image"


@dataclass(frozen=True)
class Capacity:
    """What one captured graph can hold: output tokens, items, and frames over all items."""

    tokens: int
    items: int
    frames: int


class Encoder(Protocol):
    """A tower with its metadata made explicit, so that one graph can serve many batches."""

    family: Family
    device: torch.device
    dtype: torch.dtype

    def metadata(
        self, grids: Sequence[Grid], *, capacity: Capacity | None = None, backend: str = "flash"
    ) -> dict[str, Tensor]:
        """Every tensor that the forward reads beside the pixels, on the host, by name.

        Without a capacity the tensors describe the grids exactly. With one, the rest of the capacity is
        filled with remainder images, and every tensor has a shape that depends on the capacity alone.

        Raises:
            ValueError: the grids do not fit the capacity, or the back end's metadata cannot be built.
        """
        ...

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        """`pixels [rows, *row_shape]` to `[tokens, width]`, with no host synchronisation."""
        ...

    def backends(self) -> tuple[str, ...]:
        """Names of the attention back ends whose metadata this encoder can build."""
        ...
