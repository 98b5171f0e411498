"""vLLM's sharing of a batch over ranks, in threads: its managers, or without graphs the function of its models."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor

import models
from models.api import Encoder, Family, Grid, Item
from suite.contract.case import Setup
from suite.contract.shard_case import Plant
from suite.contract.sharding import RankAnswer, SeenCollective
from suite.contract.subject import Disturbance, Refused
from suite.emulator.device import EmulatedDevice
from suite.emulator.ranks import Call, RankMissing, RankRun, ThreadedCollectives, run_on_ranks
from suite.subjects.observation import Observer
from suite.subjects.vllm.batches import ITEMS, MmKwargs, mm_kwargs_of
from suite.subjects.vllm.config import config_of
from suite.subjects.vllm.engine import Engine
from suite.subjects.vllm.observed import observed
from suite.subjects.vllm.replaced import replaced, without_a_gpu
from suite.subjects.vllm.session import ModelMaker

DEADLINE_SECONDS = 10.0
"""After this long a rank that waits, or computes, counts as stuck."""


class _Group(threading.local):
    """The group of the batch under way, as the rank of this thread sees it."""

    seat: ThreadedCollectives | None = None

    def here(self) -> ThreadedCollectives:
        """The seat of this thread.

        Raises:
            RuntimeError: no batch is under way: at its start each rank is on its own.
        """
        if self.seat is None:
            raise RuntimeError("a rank asks for its group at its start, where no other rank has to come")
        return self.seat

    def all_gather(self, tensor: Tensor, dim: int = -1) -> Tensor:
        """Every rank's tensor, one behind the other."""
        return torch.cat(self.here().all_gather(tensor), dim=dim)

    def names(self) -> dict[str, Callable[..., object]]:
        """What stands for the engine's functions on its tensor-parallel group."""
        return {
            "get_tensor_model_parallel_rank": lambda: self.here().rank,
            "get_tensor_model_parallel_world_size": lambda: self.here().world_size,
            "tensor_model_parallel_all_gather": self.all_gather,
        }


class _Watch:
    """What one rank's encoder was given, and what it is told to do wrongly."""

    def __init__(self) -> None:
        self.encoded: list[int] = []
        self._places: dict[int, int] = {}
        self._plant: Plant | None = None

    def begin(self, items: Sequence[Item], plant: Plant | None) -> None:
        """A new batch: items are recognised by identity from here on."""
        self.encoded = []
        self._places = {id(item): index for index, item in enumerate(items)}
        self._plant = plant

    def given(self, items: Sequence[Item]) -> None:
        """The rank's encoder has these items, or fails as planted."""
        self.encoded += [self._places.get(id(item), -1) for item in items]
        if items and self._plant is not None and self._plant.what == "raises":
            raise Disturbance("planted failure of a rank")

    def made(self, output: Tensor) -> Tensor:
        """The output, or the planted form of it."""
        what = None if self._plant is None else self._plant.what
        return output.double() if what == "dtype" else output[:, :-1] if what == "width" else output

    def local(self, execute: Callable[[MmKwargs], list[Tensor]], mm_kwargs: MmKwargs) -> list[Tensor]:
        """What a manager does with its share."""
        self.given(mm_kwargs[ITEMS])
        return [self.made(output) for output in execute(mm_kwargs)]


class _Bare(torch.nn.Module):
    """The encoder as the engine's function calls it without graphs: pixels, and the grids of its share."""

    def __init__(self, encoder: Encoder, watch: _Watch, items: Sequence[Item], grids: Sequence[list[int]]) -> None:
        super().__init__()
        self.spatial_merge_size = encoder.family.sizes.merge
        self.out_hidden_size = encoder.family.width
        self.dtype_is = torch.nn.Parameter(torch.zeros(0, dtype=encoder.dtype))
        self._encoder = encoder
        self._watch = watch
        self._items = {id(grid): item for grid, item in zip(grids, items, strict=True)}

    def forward(self, pixels: Tensor, grids: Sequence[list[int]] | None = None) -> Tensor:
        """`[tokens, width]`; of tiles, which come without grids, `[tiles, tokens, width]`."""
        if grids is None:
            tile = self._encoder.family.sizes.tile or (1, 1)
            metadata = self._encoder.metadata([Grid(1, *tile)] * len(pixels))
            tiles: Tensor = self._encoder.forward(pixels, metadata).unflatten(0, (len(pixels), -1))
            return tiles
        self._watch.given([self._items[id(grid)] for grid in grids])
        output = self._encoder.forward(pixels, self._encoder.metadata([Grid(*grid) for grid in grids]))
        made: Tensor = self._watch.made(output)
        return made


class VllmRanks:
    """One manager per rank, each with graphs of its own; without graphs, the function that shares out in eager."""

    def __init__(self, family: Family, setup: Setup, engine: Engine, *, ranks: int, maker: ModelMaker) -> None:
        self._encoder = models.build(family.name)
        self._vision = engine.vision
        self._graphs = setup.enabled
        self._group = _Group()
        self._watches = [_Watch() for _ in range(ranks)]
        self._managers: list[Any] = []
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(without_a_gpu(engine, EmulatedDevice(), Observer()))
        for module in (engine.module, engine.vision):
            self._stack.enter_context(_renamed(module, self._group.names()))
        try:
            if self._graphs:
                config = config_of(setup, family, engine, ranks=ranks)
                self._managers = [self._manager(watch, config, engine, maker) for watch in self._watches]
        except ValueError as error:
            self._stack.close()
            raise Refused(str(error)) from error
        except BaseException:
            self._stack.close()
            raise

    def _manager(self, watch: _Watch, config: object, engine: Engine, maker: ModelMaker) -> object:
        """A captured manager, whose work on its own share is watched."""
        encoder = self._encoder
        manager = engine.manager(config, encoder.device, encoder.dtype, observed(maker(encoder), Observer()))
        manager._execute_local = partial(watch.local, manager._execute_local)  # noqa: SLF001 - the rank's own encoder
        with torch.inference_mode():
            manager.capture(*([torch.cuda.graph_pool_handle()] if engine.dialect.shared_pool else []))
        return manager

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> Sequence[RankAnswer]:
        """The batch on every rank at once, in a group of its own."""
        for rank, watch in enumerate(self._watches):
            watch.begin(items, plant if plant is not None and plant.rank == rank else None)
        run = run_on_ranks(len(self._watches), partial(self._encode, items), deadline_seconds=DEADLINE_SECONDS)
        return [self._answer(rank, run) for rank in range(len(self._watches))]

    def _encode(self, items: Sequence[Item], group: ThreadedCollectives) -> list[Tensor]:
        self._group.seat = group
        outputs: list[Tensor] = []
        with torch.inference_mode():
            for _, run in groupby(items, key=lambda item: item.modality):
                batch = list(run)
                share = self._with_graphs if self._graphs else self._in_eager
                outputs += share(batch, group.rank, group.world_size)
        return outputs

    def _with_graphs(self, items: list[Item], rank: int, _ranks: int) -> list[Tensor]:
        outputs: list[Tensor] = self._managers[rank].execute(mm_kwargs_of(items))
        return outputs

    def _in_eager(self, items: list[Item], rank: int, ranks: int) -> list[Tensor]:
        """As the engine's models do: one rank alone runs its encoder, several share a batch out by its function."""
        sizes, pixels = self._encoder.family.sizes, torch.cat([item.pixels for item in items])
        grids = [[item.grid.frames, item.grid.height, item.grid.width] for item in items]
        bare = _Bare(self._encoder, self._watches[rank], items, grids)
        if sizes.tile is not None:
            output = cast("Tensor", self._vision.run_dp_sharded_vision_model(pixels, bare)).flatten(0, 1)
        elif ranks == 1:
            output = bare(pixels, grids)
        else:
            return list(self._vision.run_dp_sharded_mrope_vision_model(bare, pixels, grids, rope_type="rope_3d"))
        return list(output.split([sizes.tokens(item.grid) for item in items]))

    def _answer(self, rank: int, run: RankRun[list[Tensor]]) -> RankAnswer:
        error = run.errors[rank]
        return RankAnswer(
            outputs=run.values[rank] if error is None else None,
            error=error,
            stuck=isinstance(error, RankMissing | TimeoutError),
            encoded=tuple(self._watches[rank].encoded),
            collectives=tuple(map(_seen, run.calls[rank])),
        )

    def close(self) -> None:
        """Drops the managers with their graphs, and leaves the emulator."""
        self._managers = []
        self._stack.close()


@contextlib.contextmanager
def _renamed(module: ModuleType, names: dict[str, Callable[..., object]]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for name, value in names.items():
            stack.enter_context(replaced(module, name, value))
        yield


def _seen(call: Call) -> SeenCollective:
    numbers = torch.Size(call.shape).numel()
    return SeenCollective(
        "all_gather", call.shape, str(call.dtype).removeprefix("torch."), numbers * call.dtype.itemsize
    )
