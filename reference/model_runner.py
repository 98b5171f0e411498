"""A small model runner: where encoder graphs meet an engine (SPEC G8, G11)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from torch import Tensor

from models.api import Encoder, Item
from reference.encoder_graph.buffers import StaticBuffers
from reference.encoder_graph.collectives import Collectives, SingleRank
from reference.encoder_graph.config import ConfigError, EncoderGraphConfig
from reference.encoder_graph.device import GraphDevice
from reference.encoder_graph.manager import BufferFactory, EncoderCudaGraphManager, ManagerFactory
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.packing import Packer, packer
from reference.encoder_graph.protocol import SupportsEncoderCudaGraph, missing_methods
from reference.encoder_graph.sharding import ShardedEncoder, ShardingFactory

logger = logging.getLogger(__name__)


class EncoderModelRunner:
    """Owns the model and, only with the flag on and a model that supports it, the manager of its graphs.

    With `mm_encoder_tp_mode="data"` and more than one rank, items are shared out over the ranks, and each rank
    runs its own manager, or eager, on its share (SPEC G8). All ranks are then given the same items.

    Every wrong part of an engine can be injected here: the device, the packer, the buffers, the model, the group
    of ranks, and what shards over it.

    Raises:
        ConfigError: a configuration that cannot be captured, or a model that cannot tell the sizes of its items
            where they are to be shared out.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        config: EncoderGraphConfig,
        device: GraphDevice,
        packing: Packer | None = None,
        buffers: BufferFactory = StaticBuffers,
        model: SupportsEncoderCudaGraph | None = None,
        manager: ManagerFactory = EncoderCudaGraphManager,
        collectives: Collectives | None = None,
        sharding: ShardingFactory = ShardedEncoder,
    ) -> None:
        self.model = model or EncoderGraphModel(encoder, backend=config.mm_encoder_attn_backend)
        self.manager: EncoderCudaGraphManager | None = None
        self.sharded: ShardedEncoder | None = None
        group = collectives or SingleRank()
        if config.mm_encoder_tp_mode == "data" and group.world_size > 1:
            self.sharded = self._shard(encoder, group, sharding)
        if not config.cudagraph_mm_encoder:
            return
        if missing := missing_methods(self.model):
            logger.warning("encoder graphs stay off: the model lacks %s", ", ".join(missing))
            return
        self.manager = manager(
            self.model, config=config, device=device, packer=packing or packer("greedy"), buffers=buffers
        )

    def _shard(self, encoder: Encoder, group: Collectives, sharding: ShardingFactory) -> ShardedEncoder:
        measure = getattr(self.model, "get_encoder_cudagraph_item_specs", None)
        if not callable(measure):
            raise ConfigError(
                f"mm_encoder_tp_mode='data': {type(self.model).__name__} lacks get_encoder_cudagraph_item_specs, so "
                "items cannot be shared out by size. Give the model that method, or choose 'weights'."
            )
        return sharding(
            self._encode_local,
            measure=measure,
            collectives=group,
            width=encoder.family.width,
            dtype=encoder.dtype,
            device=encoder.device,
        )

    def capture_model(self) -> None:
        """Captures the encoder's graphs; with the flag off, nothing happens. No rank waits for another."""
        if self.manager is not None:
            self.manager.capture()

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        """One `[tokens, out_hidden_size]` per item, in order; sharded, every rank is given all and gets all."""
        if self.sharded is not None:
            return self.sharded.encode(items)
        return self._encode_local(items)

    def _encode_local(self, items: Sequence[Item]) -> list[Tensor]:
        if not items:
            return []
        if self.manager is None:
            return self.model.encoder_eager_forward(items)
        return self.manager.execute(items)
