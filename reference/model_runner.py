"""A small model runner: where encoder graphs meet an engine (SPEC G11)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from torch import Tensor

from models.api import Encoder, Item
from reference.encoder_graph.buffers import StaticBuffers
from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.device import GraphDevice
from reference.encoder_graph.manager import BufferFactory, EncoderCudaGraphManager, ManagerFactory
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.packing import Packer, packer
from reference.encoder_graph.protocol import SupportsEncoderCudaGraph, missing_methods

logger = logging.getLogger(__name__)


class EncoderModelRunner:
    """Owns the model and, only with the flag on and a model that supports it, the manager of its graphs.

    Every wrong part of an engine can be injected here: the device, the packer, the buffers, the model.
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
    ) -> None:
        self.model = model or EncoderGraphModel(encoder, backend=config.mm_encoder_attn_backend)
        self.manager: EncoderCudaGraphManager | None = None
        if not config.cudagraph_mm_encoder:
            return
        if missing := missing_methods(self.model):
            logger.warning("encoder graphs stay off: the model lacks %s", ", ".join(missing))
            return
        self.manager = manager(
            self.model, config=config, device=device, packer=packing or packer("greedy"), buffers=buffers
        )

    def capture_model(self) -> None:
        """Captures the encoder's graphs; with the flag off, nothing happens."""
        if self.manager is not None:
            self.manager.capture()

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        """One `[tokens, out_hidden_size]` per item, in order."""
        if not items:
            return []
        if self.manager is None:
            return self.model.encoder_eager_forward(items)
        return self.manager.execute(items)
