"""One session of the reference over several ranks: a runner for each, in threads of this process, watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from models.api import Family, Item
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.sharding import EncodeLocal, ShardedEncoder
from reference.model_runner import EncoderModelRunner
from suite.contract.case import Setup
from suite.contract.shard_case import Plant
from suite.contract.sharding import RankAnswer, SeenCollective
from suite.contract.subject import Disturbance, Refused
from suite.emulator.device import EmulatedDevice
from suite.emulator.ranks import Call, RankMissing, RankRun, ThreadedCollectives, run_on_ranks
from suite.subjects.reference_parts import EMULATED, Parts

DEADLINE_SECONDS = 10.0
"""After this long a rank that waits, or computes, counts as stuck."""


class _Seat:
    """One rank's place in the group of whatever batch is under way."""

    def __init__(self, rank: int, world_size: int) -> None:
        self.rank = rank
        self.world_size = world_size
        self._group: Collectives | None = None

    def join(self, group: Collectives) -> None:
        """From now on the rank meets the others there."""
        self._group = group

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """As the group's.

        Raises:
            RuntimeError: no batch is under way: at its start each rank is on its own.
        """
        if self._group is None:
            raise RuntimeError(f"rank {self.rank} enters a collective at its start, where no other rank has to come")
        return self._group.all_gather(tensor)


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

    def encode(self, encode_local: EncodeLocal, items: Sequence[Item]) -> Sequence[Tensor]:
        """As the rank's own encoder, or as planted."""
        self.encoded += [self._places.get(id(item), -1) for item in items]
        what = self._plant.what if self._plant is not None and items else None
        if what == "raises":
            raise Disturbance("planted failure of a rank")
        outputs = encode_local(items)
        if what == "dtype":
            return [output.double() for output in outputs]
        return [output[:, :-1] for output in outputs] if what == "width" else outputs


class ReferenceRanks:
    """Runners of one configuration, each with an emulated device and graphs of its own."""

    def __init__(self, family: Family, setup: Setup, *, ranks: int, parts: Parts) -> None:
        self._parts = parts
        self._seats = [_Seat(rank, ranks) for rank in range(ranks)]
        self._watches = [_Watch() for _ in range(ranks)]
        try:
            self._runners = [self._runner(rank, family, setup) for rank in range(ranks)]
        except ValueError as error:
            raise Refused(str(error)) from error
        # One after the other: captures of one process do not nest, whichever thread begins them.
        for runner in self._runners:
            runner.capture_model()

    def _runner(self, rank: int, family: Family, setup: Setup) -> EncoderModelRunner:
        parts, device = self._parts, EmulatedDevice()
        encoder = parts.encoder(family.name, device.device)
        config = replace(parts.config(setup), mm_encoder_tp_mode="data")
        return parts.runner(
            encoder,
            config=config,
            device=parts.device(device),
            packing=parts.packer(setup.packer or EMULATED.packers[0]),
            buffers=parts.buffers,
            model=parts.model(encoder, config.mm_encoder_attn_backend),
            manager=parts.manager,
            collectives=parts.sharding.collectives(self._seats[rank]),
            sharding=partial(self._sharded, rank),
        )

    def _sharded(self, rank: int, encode_local: EncodeLocal, **wishes: Any) -> ShardedEncoder:  # noqa: ANN401 - the factory's own
        watched = partial(self._watches[rank].encode, encode_local)
        sharding = self._parts.sharding
        return sharding.encoder(watched, **{**wishes, "balancer": sharding.balancer()})

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> Sequence[RankAnswer]:
        """The batch on every rank at once, in a group of its own."""
        for rank, watch in enumerate(self._watches):
            watch.begin(items, plant if plant is not None and plant.rank == rank else None)
        run = run_on_ranks(len(self._runners), partial(self._encode, items), deadline_seconds=DEADLINE_SECONDS)
        return [self._answer(rank, run) for rank in range(len(self._runners))]

    def _encode(self, items: Sequence[Item], group: ThreadedCollectives) -> list[Tensor]:
        rank = group.rank
        self._seats[rank].join(group)
        runner = self._runners[rank]
        if runner.sharded is None:
            return list(self._watches[rank].encode(runner.execute_mm_encoder, items))
        return runner.execute_mm_encoder(items)

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
        """Drops all graphs."""
        for runner in self._runners:
            if runner.manager is not None:
                runner.manager.clear()


def _seen(call: Call) -> SeenCollective:
    numbers = torch.Size(call.shape).numel()
    return SeenCollective(
        "all_gather", call.shape, str(call.dtype).removeprefix("torch."), numbers * call.dtype.itemsize
    )
