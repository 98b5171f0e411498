"""A whole tower in the form in which SGLang's bounded runner takes it: pixels in, one tensor for each image out.

What is made of the grids is prepared before a capture and lives as long as the graph. The projector comes after the
runner and is eager, as in SGLang's model, so what the model returns is no memory of a graph's.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.api import Grid, Item
from models.encoder import GenericEncoder
from suite.subjects.sglang.dialect import Dialect, Limits
from suite.subjects.sglang.parts import Warmth

Grids = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Prepared:
    """What a tower reads beside the pixels, for one list of grids."""

    tensors: dict[str, Tensor]
    tokens: tuple[int, ...]
    """Of each image."""


class Whole:
    """The tower as the runner sees it: the two methods that it calls."""

    def __init__(self, encoder: GenericEncoder, warmth: Warmth) -> None:
        module: Any = encoder.module
        self._encoder = encoder
        self._tower = module.tower
        self._warmth = warmth

    def prepare_forward_metadata(
        self, grid_thws: Tensor, *, grid_thw_list: Grids, total_tokens: int, dtype: torch.dtype
    ) -> Prepared:
        """What the host makes of the grids; rows and type are the zoo's own matter."""
        grids = [Grid(*each) for each in grid_thw_list]
        found = {name: value.to(self._encoder.device) for name, value in self._encoder.metadata(grids).items()}
        sizes = self._encoder.family.sizes
        return Prepared({"grid_thw": grid_thws, **found}, tuple(sizes.tokens(grid) for grid in grids))

    def _forward_eager(
        self, pixels: Tensor, grid_thws: Tensor, *, grid_thw_list: Grids, forward_metadata: Prepared
    ) -> list[Tensor]:
        self._warmth.runs("tower", len(pixels))
        pooled: Tensor = self._tower(pixels, **forward_metadata.tensors).pooler_output
        return list(pooled.split(list(forward_metadata.tokens)))


class GraphedWhole:
    """A tower that the runner runs, with its projector after it."""

    def __init__(self, encoder: GenericEncoder, dialect: Dialect, *, backend: str, warmth: Warmth) -> None:
        del backend  # This runner asks for none.
        module: Any = encoder.module
        limits = dialect.limits or Limits()
        self._device = encoder.device
        self._projector = module.projector
        self._runner = dialect.runner(Whole(encoder, warmth), capacity=limits.capacity, min_hits=limits.min_hits)

    def encode(self, items: Sequence[Item]) -> Tensor:
        """`[tokens, width]` of all items."""
        grids = tuple((item.grid.frames, item.grid.height, item.grid.width) for item in items)
        pixels = torch.cat([item.pixels for item in items]).to(self._device)
        merged = self._runner.run(pixels, torch.tensor(grids, device=self._device), grids)
        encoded: Tensor = self._projector(torch.cat(merged)).flatten(1)
        return encoded

    def graphs(self) -> Iterator[tuple[Hashable, object, tuple[Tensor, ...]]]:
        """Key, graph and outputs of all that is captured."""
        for key, entry in self._runner.graphs.items():
            yield key, entry.graph, entry.outputs
