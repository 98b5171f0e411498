"""A device whose graphs run their function again: what a manager does is seen without any emulation."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import torch
from torch import Tensor

import models
from models.api import Grid, Item
from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.device import Graph
from reference.encoder_graph.manager import EncoderCudaGraphManager
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.packing import packer

Outputs = TypeVar("Outputs")
FAMILY = models.family("toy")


@dataclass
class PlainGraph:
    """Runs the captured function again, into the same output."""

    device: PlainDevice
    run: Callable[[], Tensor]
    output: Tensor

    def replay(self) -> None:
        """Once more, or the planted failure."""
        self.device.replays += 1
        if self.device.failing:
            raise RuntimeError("planted")
        self.output.copy_(self.run())

    def reset(self) -> None:
        """One graph fewer."""
        self.device.alive -= 1


@dataclass
class PlainDevice:
    """Counts what it is asked for."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    alive: int = 0
    replays: int = 0
    failing: bool = False
    """Whether replays raise."""
    captures_left: int = 100
    """After so many captures the next one raises."""

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """Zeros."""
        return torch.zeros(tuple(shape), dtype=dtype)

    def new_pool(self) -> Hashable:
        """The one pool."""
        return "pool"

    def warm_up(self, run: Callable[[], object]) -> None:
        """Runs it."""
        run()

    def capture(self, run: Callable[[], Outputs], *, pool: Hashable | None = None) -> tuple[Graph, Outputs]:
        """Runs it, or fails when there are no captures left."""
        if not self.captures_left:
            raise RuntimeError("out of memory")
        self.captures_left -= 1
        self.alive += 1
        output = cast("Tensor", run()).clone()
        return PlainGraph(self, cast("Callable[[], Tensor]", run), output), cast("Outputs", output)

    def synchronize(self) -> None:
        """Nothing is under way."""

    def pool_bytes(self, pool: Hashable) -> int:
        """A thousand bytes per graph."""
        return 1000 * self.alive


def item(height: int, width: int, *, frames: int = 1) -> Item:
    """An item of the toy; a clip if it has several frames."""
    grid = Grid(frames, height, width)
    pixels = torch.randn(grid.patches, *FAMILY.row_shape, generator=torch.Generator().manual_seed(grid.patches))
    return Item(grid, pixels, "video" if frames > 1 else "image")


def config(**wishes: object) -> EncoderGraphConfig:
    """A configuration with graphs on."""
    return EncoderGraphConfig(cudagraph_mm_encoder=True, **wishes)  # type: ignore[arg-type]  # wrong types are tested


def manager(device: PlainDevice | None = None, *, model: object = None, **wishes: object) -> EncoderCudaGraphManager:
    """A manager of the toy on budgets 4 and 8 with two items, unless wished otherwise."""
    wanted = {"encoder_cudagraph_token_budgets": (4, 8), "encoder_cudagraph_max_images_per_batch": 2, **wishes}
    return EncoderCudaGraphManager(
        cast("EncoderGraphModel", model or EncoderGraphModel(models.build("toy"))),
        config=config(**wanted),
        device=device or PlainDevice(),
        packer=packer("greedy"),
    )
