"""Images of a wanted size in units of a family."""

from __future__ import annotations

from models.api import Grid, Sizes


def grid_of(sizes: Sizes, units: int, seed: int) -> Grid:
    """An image of so many units: a strip for an even seed, the squarest shape for an odd one.

    Raises:
        ValueError: the family has no such image.
    """
    if not 1 <= units <= largest(sizes):
        raise ValueError(f"no image of {units} units: give 1 to {largest(sizes)}")
    if sizes.tile is not None:
        return Grid(units, *sizes.tile)
    sides = [side for side in range(1, units + 1) if units % side == 0 and side * side <= units]
    height = sides[-1 if seed % 2 else 0]
    return Grid(1, height * sizes.merge, units // height * sizes.merge)


def largest(sizes: Sizes) -> int:
    """Units of the largest image that has a shape whatever the number: a strip, or all tiles."""
    return sizes.max_frames if sizes.tile is not None else sizes.max_side // sizes.merge
