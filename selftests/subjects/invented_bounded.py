"""A runner of our own in the calling convention of SGLang's bounded one: sound, or with one thing wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Grids = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Entry:
    """One graph with what it reads and writes."""

    graph: torch.cuda.CUDAGraph
    pixels: Tensor
    outputs: Sequence[Tensor]
    prepared: object


class SoundWhole:
    """Captures what comes often enough while there is room, everything warmed up; its results are its buffers."""

    def __init__(self, tower: Any, *, capacity: int, min_hits: int) -> None:  # noqa: ANN401  (a convention without types)
        self.tower = tower
        self.capacity = capacity
        self.min_hits = min_hits
        self.graphs: dict[Hashable, Entry] = {}
        self._seen: Counter[Hashable] = Counter()

    def run(self, pixel_values: Tensor, grid_thws: Tensor, grid_thw_list: Grids) -> Sequence[Tensor]:
        """Pixels of all images to `[tokens, patches, width]` of each."""
        key = self.key(grid_thw_list)
        if key in self.graphs:
            return self.replayed(self.graphs[key], pixel_values)
        self._seen[key] += 1
        prepared = self.tower.prepare_forward_metadata(
            grid_thws, grid_thw_list=grid_thw_list, total_tokens=len(pixel_values), dtype=pixel_values.dtype
        )
        if self._seen[key] < self.min_hits or len(self.graphs) >= self.capacity:
            return self._forward(pixel_values, prepared)
        self.graphs[key] = self._captured(pixel_values, prepared)
        return self.replayed(self.graphs[key], pixel_values)

    def key(self, grids: Grids) -> Hashable:
        """What batches of one graph have in common."""
        return grids

    def replayed(self, entry: Entry, pixels: Tensor) -> Sequence[Tensor]:
        """What the graph makes of new pixels."""
        entry.pixels.copy_(pixels)
        entry.graph.replay()
        return entry.outputs

    def warm_up(self, pixels: Tensor, prepared: object) -> None:
        """Runs everything before it is captured."""
        self._forward(pixels, prepared)

    def _captured(self, pixels: Tensor, prepared: object) -> Entry:
        kept = pixels.clone()
        self.warm_up(kept, prepared)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._forward(kept, prepared)
        return Entry(graph, kept, outputs, prepared)

    def _forward(self, pixels: Tensor, prepared: object) -> Sequence[Tensor]:
        # The name is SGLang's, and no other way in is there.
        outputs: Sequence[Tensor] = self.tower._forward_eager(  # noqa: SLF001  (the reason is above)
            pixels, None, grid_thw_list=(), forward_metadata=prepared
        )
        return outputs


class StaleWhole(SoundWhole):
    """Replays what it captured, whatever comes."""

    def replayed(self, entry: Entry, pixels: Tensor) -> Sequence[Tensor]:
        """Without a copy into the graph's input."""
        entry.graph.replay()
        return entry.outputs


class WholeKeyedByRows(SoundWhole):
    """One graph for all batches of as many rows (BUG-E03)."""

    def key(self, grids: Grids) -> Hashable:
        """The rows alone."""
        return sum(frames * height * width for frames, height, width in grids)


class ColdWhole(SoundWhole):
    """Trusts that the batches before the capture warmed everything up."""

    def warm_up(self, pixels: Tensor, prepared: object) -> None:
        """Nothing."""


class BoundlessWhole(SoundWhole):
    """Forgets its capacity (BUG-G19)."""

    def __init__(self, tower: Any, *, capacity: int, min_hits: int) -> None:  # noqa: ANN401  (as above)
        super().__init__(tower, capacity=1000 * capacity, min_hits=min_hits)
