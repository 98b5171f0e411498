"""A runner of our own in SGLang's calling convention: sound, or with one thing wrong.

It shows what the adapter does without SGLang: a sound runner is caught by no law, so what a law finds in a release
is the release's.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

Layout = list[Any]


class SoundRunner:
    """Captures each layout at its first batch, refreshes every input, and gives copies away."""

    def __init__(self, vit: Any) -> None:  # noqa: ANN401  (its half of a convention without types)
        self.vit = vit
        self.block_graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}
        self.block_output: dict[Hashable, Tensor] = {}
        self._buffers: dict[Hashable, list[Tensor]] = {}
        self._workspaces: dict[Hashable, Tensor] = {}

    def run(
        self,
        x: Tensor,
        cu_seqlens: Tensor,
        cu_window_seqlens: Tensor | None,
        position_embeddings: tuple[Tensor, Tensor] | None,
        rotary_pos_emb_cos: Tensor | None = None,
        rotary_pos_emb_sin: Tensor | None = None,
        output_indices: Tensor | None = None,
    ) -> Tensor:
        """`[rows, width]` to `[tokens, width]`."""
        rotary = position_embeddings or (rotary_pos_emb_cos, rotary_pos_emb_sin)
        windows = cu_seqlens if cu_window_seqlens is None else cu_window_seqlens
        given = [each for each in (x.unsqueeze(1), *rotary, cu_seqlens, windows) if each is not None]
        key = self.key(given)
        buffers = self.buffers(key, given)
        for buffer, value in zip(buffers[:3], given[:3], strict=True):
            buffer.copy_(value)
        if key not in self.block_graphs:
            self._capture(key, buffers)
        self.block_graphs[key].replay()
        output = self.block_output[key]
        return self.given_away(output) if output_indices is None else output[output_indices]

    def key(self, given: Sequence[Tensor]) -> Hashable:
        """What batches of one graph have in common: where sequences and windows begin."""
        return tuple(tuple(offsets.tolist()) for offsets in given[3:])

    def buffers(self, key: Hashable, given: Sequence[Tensor]) -> list[Tensor]:
        """What the graph of that key reads: rows, cosines, sines, offsets of sequences and of windows."""
        if key not in self._buffers:
            self._buffers[key] = [each.clone() for each in given]
        return self._buffers[key]

    def given_away(self, output: Tensor) -> Tensor:
        """What the caller gets of a graph's output."""
        return output.clone()

    def warm_up(self, buffers: Sequence[Tensor], workspace: Tensor) -> None:
        """Runs everything before it is captured."""
        self._forward(buffers, workspace)

    def _capture(self, key: Hashable, buffers: Sequence[Tensor]) -> None:
        attention = self.vit.blocks[0].attn
        heads, size = attention.num_attention_heads_per_partition, attention.head_size
        workspace = torch.empty(len(buffers[0]), heads, size, device=self.vit.device)
        self._workspaces[key] = workspace
        self.warm_up(buffers, workspace)
        longest = [int(offsets.diff().max()) for offsets in buffers[3:]]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.block_output[key] = self._forward(buffers, workspace, longest)
        self.block_graphs[key] = graph

    def _forward(self, buffers: Sequence[Tensor], workspace: Tensor, longest: list[int] | None = None) -> Tensor:
        rows, cos, sin, *offsets = buffers
        numbers = longest or [int(each.diff().max()) for each in offsets]
        full, windows = ([each, each.diff(), number] for each, number in zip(offsets, numbers, strict=True))
        extra: list[Tensor] = []
        for number, block in enumerate(self.vit.blocks):
            layout = full if number in getattr(self.vit, "fullatt_block_indexes", (number,)) else windows
            told = layout if block.attn.qkv_backend_name == "triton_attn" else [layout[0], layout[2]]
            rows = block(rows, cu_seqlens=told, position_embeddings=(cos, sin), output_ws=workspace)
            if number in getattr(self.vit, "deepstack_visual_indexes", ()):
                extra.append(self.vit.deepstack_merger_list[len(extra)](rows))
        return torch.cat([self.vit.merger(rows), *extra], dim=1)


class KeyedByRows(SoundRunner):
    """One graph for all batches of as many rows (BUG-E03)."""

    def key(self, given: Sequence[Tensor]) -> Hashable:
        """The rows alone."""
        return len(given[0])


class SharesRotary(SoundRunner):
    """All graphs read one pair of rotary tables, which is replaced when a larger batch comes (BUG-E02)."""

    _shared: list[Tensor] | None = None

    def buffers(self, key: Hashable, given: Sequence[Tensor]) -> list[Tensor]:
        """As the sound runner's, but for the tables."""
        rows, cos, sin, *offsets = super().buffers(key, given)
        if self._shared is None or len(self._shared[0]) < len(rows):
            self._shared = [torch.empty_like(each) for each in (cos, sin)]
        return [rows, *(table[: len(rows)] for table in self._shared), *offsets]


class GivesItsOutput(SoundRunner):
    """The graph's own output is handed out (BUG-G16)."""

    def given_away(self, output: Tensor) -> Tensor:
        """Not a copy."""
        return output


class NoWarmUp(SoundRunner):
    """All parts run for the first time while they are captured."""

    def warm_up(self, buffers: Sequence[Tensor], workspace: Tensor) -> None:
        """Nothing."""


class SoundTiles:
    """A runner of tiles: one graph for each number of them, all layers warmed up."""

    def __init__(self, encoder: Any) -> None:  # noqa: ANN401  (as above)
        self.encoder = encoder
        self.graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}
        self.out: dict[Hashable, Tensor] = {}
        self._kept: dict[Hashable, tuple[Tensor, Layout, Tensor]] = {}

    def run(self, x: Tensor) -> Tensor:
        """`[tiles, rows, width]` to the same."""
        key = x.shape[:2]
        if key not in self.graphs:
            self._capture(key, x)
        self._kept[key][0].copy_(x)
        self.graphs[key].replay()
        return self.out[key]

    def offsets(self, tiles: int, rows: int) -> Tensor:
        """Where tiles begin, and the end of the last."""
        return torch.arange(tiles + 1, dtype=torch.int32) * rows

    def _capture(self, key: Hashable, x: Tensor) -> None:
        attention = self.encoder.layers[0].attn.attn
        heads, size = attention.num_attention_heads_per_partition, attention.head_size
        offsets = self.offsets(*x.shape[:2])
        longest = int(offsets.diff().max())
        told = [offsets, offsets.diff(), longest] if attention.qkv_backend_name == "triton_attn" else [offsets, longest]
        self._kept[key] = x.clone(), told, torch.empty(x.shape[0] * x.shape[1], heads, size)
        self._forward(key)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.out[key] = self._forward(key)
        self.graphs[key] = graph

    def _forward(self, key: Hashable) -> Tensor:
        rows, told, workspace = self._kept[key]
        for layer in self.encoder.layers:
            rows = layer(rows, cu_seqlens=told, output_ws=workspace)
        return rows


class OneSequence(SoundTiles):
    """All tiles of a batch attend to each other."""

    def offsets(self, tiles: int, rows: int) -> Tensor:
        """The beginning and the end of all."""
        return torch.tensor([0, tiles * rows], dtype=torch.int32)


class StaleTiles(SoundTiles):
    """The first tiles of a number are given back for all later ones."""

    def run(self, x: Tensor) -> Tensor:
        """As the sound runner's, without a copy into the graph's input."""
        key = x.shape[:2]
        if key not in self.graphs:
            self._capture(key, x)
        self.graphs[key].replay()
        return self.out[key]


class FallsOver(SoundRunner):
    """Raises, as a subject may."""

    def key(self, given: Sequence[Tensor]) -> Hashable:
        """Nothing."""
        raise ArithmeticError("in the runner")
