"""The one adapter: any tower with its metadata made explicit, so that one graph serves many batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from models.api import Capacity, Grid, Sizes
from models.attention import SegmentedAttention
from models.backends import BACKENDS, Backend, is_offsets
from models.discovery import GRID
from models.padding import RemainderImage, RepeatLast, WholeCapacity, ZeroGrids
from models.survey import Survey, survey
from models.towers.base import AttentionFunction, Tower


class GenericEncoder:
    """`models.api.Encoder` for every tower, with no code per family.

    Its weights equal the tower's, in a module of its own. It holds no state between calls. Every part can be
    replaced through the constructor.
    """

    def __init__(
        self,
        tower: Tower,
        *,
        device: str = "cpu",
        attention: AttentionFunction | None = None,
        surveyed: Survey | None = None,
        remainder: RemainderImage | None = None,
        offsets: RepeatLast | None = None,
        zeros: ZeroGrids | None = None,
        maximum: WholeCapacity | None = None,
        backends: Sequence[Backend] = BACKENDS,
    ) -> None:
        self.family = tower.family
        self.device = torch.device(device)
        self.dtype = torch.float32
        self.module = tower.fork(attention or SegmentedAttention()).to(self.device)
        self._survey = surveyed or survey(tower)
        self._remainder = remainder or RemainderImage()
        self._offsets = offsets or RepeatLast()
        self._zeros = zeros or ZeroGrids()
        self._maximum = maximum or WholeCapacity()
        self._backends = {each.name: each for each in backends if each.name in self._survey.backends}
        # A tower that does not read the grid must be given one all the same.
        self._unread_grid = torch.ones(1, 3, dtype=torch.int64, device=self.device)

    def backends(self) -> tuple[str, ...]:
        """Names of the attention back ends whose metadata this encoder can build."""
        return tuple(self._backends)

    def metadata(
        self, grids: Sequence[Grid], *, capacity: Capacity | None = None, backend: str = "flash"
    ) -> dict[str, Tensor]:
        """Every tensor that the forward reads beside the pixels, on the host, by name.

        Raises:
            ValueError: the grids do not fit the capacity, or the back end's metadata cannot be built.
        """
        if backend not in self._backends:
            choices = ", ".join(self._backends)
            raise ValueError(f"{self.family.name} cannot build metadata for back end {backend!r}: use {choices}.")
        _check_grids(grids, self.family.sizes)
        values = self._exact(grids) if capacity is None else self._padded(grids, capacity)
        if not self._survey.reads_grid:
            del values[GRID]
        return self._backends[backend].rewrite(values)

    def forward(self, pixels: Tensor, metadata: Mapping[str, Tensor]) -> Tensor:
        """`pixels [rows, *row_shape]` to `[tokens, width]`, with no host synchronisation.

        Raises:
            ValueError: metadata is missing, which the tower would then compute on the host.
        """
        missing = self._survey.names - metadata.keys()
        if missing:
            raise ValueError(f"Metadata {sorted(missing)} is missing: pass all that metadata() returns.")
        with torch.no_grad():
            encoded: Tensor = self.module(pixels, **{GRID: self._unread_grid, **metadata})
        return encoded

    def _exact(self, grids: Sequence[Grid]) -> dict[str, Tensor]:
        if not grids:
            raise ValueError("There is no metadata for no items: pass one grid or more, or a capacity.")
        return self._survey.recipe.values(grids)

    def _padded(self, grids: Sequence[Grid], capacity: Capacity) -> dict[str, Tensor]:
        sizes = self.family.sizes
        _check_fit(grids, capacity, sizes)
        values = self._survey.recipe.values(self._remainder.grids(grids, capacity, sizes))
        return {name: self._fixed(name, value, capacity) for name, value in values.items()}

    def _fixed(self, name: str, value: Tensor, capacity: Capacity) -> Tensor:
        """The value in the shape that it has for every batch of the capacity."""
        sizes = self.family.sizes
        if name == GRID:
            return self._zeros.pad(value, capacity.items + 1)
        if is_offsets(name):
            return self._offsets.pad(value, self._survey.counts[name].most(capacity) + 1)
        if value.ndim == 0:
            return self._maximum.bound(value, capacity.tokens // sizes.unit * sizes.rows_per_unit)
        return value


def _check_grids(grids: Sequence[Grid], sizes: Sizes) -> None:
    for grid in grids:
        if not sizes.accepts(grid):
            raise ValueError(f"The family cannot encode a {grid} grid: it takes {sizes}.")


def _check_fit(grids: Sequence[Grid], capacity: Capacity, sizes: Sizes) -> None:
    if capacity.tokens < 1 or capacity.tokens % sizes.unit:
        raise ValueError(f"A capacity of {capacity.tokens} tokens is no multiple of {sizes.unit}: round it up.")
    for what, used, most in (
        ("tokens", sum(map(sizes.tokens, grids)), capacity.tokens),
        ("items", len(grids), capacity.items),
        # The tiles of a tile family are rows of one frame: the tokens limit them.
        ("frames", 0 if sizes.tile else sum(each.frames for each in grids), capacity.frames),
    ):
        if used > most:
            raise ValueError(f"{used} {what} do not fit a capacity of {most}: split the batch or raise it.")
