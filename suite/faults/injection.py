"""How a wrong part gets into the reference: each function makes the parts with one of them replaced."""

from __future__ import annotations

from collections.abc import Callable

from models.api import Encoder
from models.encoder import GenericEncoder
from models.towers import build_tower
from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.device import GraphDevice
from reference.encoder_graph.manager import BufferFactory, EncoderCudaGraphManager
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.packing import Greedy, Packer
from reference.encoder_graph.protocol import SupportsEncoderCudaGraph
from reference.encoder_graph.statistics import Counters
from suite.subjects.reference import Parts

MakeParts = Callable[[], Parts]


def adapter(make: Callable[..., GenericEncoder]) -> MakeParts:
    """Another generic adapter around the same tower; called with the tower and `device`."""
    return lambda: Parts(encoder=lambda name, device: make(build_tower(name), device=str(device)))


def model(kind: type[EncoderGraphModel]) -> MakeParts:
    """Another model of the protocol around the same encoder."""

    def make(encoder: Encoder, backend: str) -> SupportsEncoderCudaGraph:
        return kind(encoder, backend=backend)

    return lambda: Parts(model=make)


def packing(kind: type[Greedy]) -> MakeParts:
    """Another packer, whichever is asked for."""

    def make(name: str) -> Packer:
        return kind()

    return lambda: Parts(packer=make)


def manager_changed(change: Callable[[EncoderCudaGraphManager, EncoderGraphConfig], None]) -> MakeParts:
    """The manager with something of it replaced right after its construction."""

    def make(
        model: SupportsEncoderCudaGraph,
        *,
        config: EncoderGraphConfig,
        device: GraphDevice,
        packer: Packer,
        buffers: BufferFactory,
    ) -> EncoderCudaGraphManager:
        manager = EncoderCudaGraphManager(model, config=config, device=device, packer=packer, buffers=buffers)
        change(manager, config)
        return manager

    return lambda: Parts(manager=make)


def manager_refusing(error: type[Exception], *, text: str) -> MakeParts:
    """The manager whose refusals of one kind all say the same."""

    def make(
        model: SupportsEncoderCudaGraph,
        *,
        config: EncoderGraphConfig,
        device: GraphDevice,
        packer: Packer,
        buffers: BufferFactory,
    ) -> EncoderCudaGraphManager:
        try:
            return EncoderCudaGraphManager(model, config=config, device=device, packer=packer, buffers=buffers)
        except error:
            raise error(text) from None

    return lambda: Parts(manager=make)


def counters(kind: type[Counters]) -> MakeParts:
    """The manager with another tally."""

    def change(manager: EncoderCudaGraphManager, config: EncoderGraphConfig) -> None:
        manager._counters = kind()

    return manager_changed(change)
