"""One rank of the reference: a runner with an emulated device of its own, watched at its encoder and at its seat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from models.api import Family, Item
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.sharding import EncodeLocal, ShardedEncoder
from suite.contract.case import Setup
from suite.contract.shard_case import ENDINGS, Plant
from suite.contract.sharding import SeenCollective
from suite.contract.subject import AdapterBroken, Disturbance
from suite.emulator.device import EmulatedDevice
from suite.subjects.reference_parts import EMULATED, Parts

End = Callable[[Plant], None]
"""Lets the rank die, or hang."""


def cannot_end(plant: Plant) -> None:
    """What a rank says that shares its process with others.

    Raises:
        AdapterBroken: always.
    """
    raise AdapterBroken(f"{plant}, but the rank has no process of its own: ask for rank_processes.")


class Seat:
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


class Watch:
    """What one rank's encoder was given, and what it is told to do wrongly."""

    def __init__(self, end: End = cannot_end) -> None:
        self.encoded: list[int] = []
        self._places: dict[int, int] = {}
        self._plant: Plant | None = None
        self._end = end

    def begin(self, items: Sequence[Item], plant: Plant | None) -> None:
        """A new batch: items are recognised by identity from here on."""
        self.encoded = []
        self._places = {id(item): index for index, item in enumerate(items)}
        self._plant = plant

    def encode(self, encode_local: EncodeLocal, items: Sequence[Item]) -> Sequence[Tensor]:
        """As the rank's own encoder, or as planted."""
        self.encoded += [self._places.get(id(item), -1) for item in items]
        plant = self._plant if items else None
        if plant is None:
            return encode_local(items)
        if plant.what == "raises":
            raise Disturbance("planted failure of a rank")
        if plant.what in ENDINGS and plant.at == "encoding":
            self._end(plant)
        outputs = encode_local(items)
        if plant.what == "dtype":
            return [output.double() for output in outputs]
        return [output[:, :-1] for output in outputs] if plant.what == "width" else outputs


class Rank:
    """One rank; it joins no group by itself.

    Raises:
        ValueError: the configuration is refused.
    """

    def __init__(
        self, rank: int, ranks: int, *, family: Family, setup: Setup, parts: Parts, end: End = cannot_end
    ) -> None:
        self.seat = Seat(rank, ranks)
        self.watch = Watch(end)
        self._parts = parts
        device = EmulatedDevice()
        encoder = parts.encoder(family.name, device.device)
        config = replace(parts.config(setup), mm_encoder_tp_mode="data")
        self._runner = parts.runner(
            encoder,
            config=config,
            device=parts.device(device),
            packing=parts.packer(setup.packer or EMULATED.packers[0]),
            buffers=parts.buffers,
            model=parts.model(encoder, config.mm_encoder_attn_backend),
            manager=parts.manager,
            collectives=parts.sharding.collectives(self.seat),
            sharding=self._sharded,
        )

    def _sharded(self, encode_local: EncodeLocal, **wishes: Any) -> ShardedEncoder:  # noqa: ANN401 - the factory's own
        def watched(items: Sequence[Item]) -> Sequence[Tensor]:
            return self.watch.encode(encode_local, items)

        sharding = self._parts.sharding
        return sharding.encoder(watched, **{**wishes, "balancer": sharding.balancer()})

    def capture(self) -> None:
        """Captures its graphs."""
        self._runner.capture_model()

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        """The batch together with the others, in the group of its seat; alone where there are none."""
        if self._runner.sharded is None:
            return list(self.watch.encode(self._runner.execute_mm_encoder, items))
        return self._runner.execute_mm_encoder(items)

    def close(self) -> None:
        """Drops its graphs."""
        if self._runner.manager is not None:
            self._runner.manager.clear()


def seen(shape: tuple[int, ...], dtype: torch.dtype) -> SeenCollective:
    """A gathering of tensors of that form."""
    numbers = torch.Size(shape).numel()
    return SeenCollective("all_gather", shape, str(dtype).removeprefix("torch."), numbers * dtype.itemsize)
