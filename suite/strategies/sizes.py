"""Sizes: grids of an exact number of output tokens, and items of a size relative to a ladder."""

from __future__ import annotations

from hypothesis import strategies as st

from models.api import Grid, Sizes

SEEDS = st.integers(0, 3)
"""Few seeds: an oracle's answer can be kept, and values repeat across batches."""


FILLS = st.sampled_from([*[None] * 7, 0.0])
"""What fills an image instead of random pixels: mostly nothing, sometimes zeros, which padding is made of too."""


def shapes_of(sizes: Sizes, tokens: int, *, frames: int = 1) -> list[Grid]:
    """All grids with exactly that many tokens, squarest last; empty if there are none."""
    if sizes.tile is not None:
        count, rest = divmod(tokens, sizes.tokens_per_tile)
        grid = Grid(count, *sizes.tile)
        return [grid] if rest == 0 and sizes.accepts(grid) else []
    area, rest = divmod(tokens, frames)
    sides = [side for side in range(1, area + 1) if area % side == 0]
    grids = [Grid(frames, side * sizes.merge, area // side * sizes.merge) for side in sides]
    accepted = [grid for grid in grids if rest == 0 and sizes.accepts(grid)]
    return sorted(accepted, key=lambda grid: (-abs(grid.height - grid.width), grid.height))


def nearest_shapes(sizes: Sizes, tokens: int) -> list[Grid]:
    """The grids of the greatest number of tokens at or below the wanted one that has any."""
    for wanted in range(max(tokens, sizes.unit), 0, -1):
        if found := shapes_of(sizes, wanted):
            return found
    raise ValueError(f"no grid of at most {tokens} tokens: the family's smallest item has {sizes.unit}")


def grids(sizes: Sizes, *, tokens: int) -> st.SearchStrategy[Grid]:
    """Any shape with that many tokens, or with the nearest number below that has a shape."""
    return st.sampled_from(nearest_shapes(sizes, tokens))


def clips(sizes: Sizes, *, max_tokens: int) -> st.SearchStrategy[Grid]:
    """Grids of two frames or more; long ones are small, so that several share a graph."""
    found = [
        grid
        for frames in range(2, sizes.max_frames + 1)
        for area in ((1, 2, 3, 4, 6) if frames <= 4 else (1, 2))
        for grid in shapes_of(sizes, frames * area, frames=frames)
        if frames * area <= max(max_tokens, 2)
    ]
    return st.sampled_from(found)
