"""A session of the reference with its cache of outputs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from models.api import Item
from reference.encoder_outputs import EncoderOutputs
from suite.contract.keeping import Bound
from suite.subjects.reference_session import ReferenceSession


class ReferenceKeeping:
    """An encoder with graphs, and the cache beside it."""

    def __init__(self, session: ReferenceSession, outputs: EncoderOutputs) -> None:
        self._session = session
        self._outputs = outputs

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """The runner's answers; the cache is not asked."""
        return self._session.encode(items)

    def put(self, item: Item, result: Tensor) -> None:
        """Into the cache."""
        self._outputs.put(item, result)

    def get(self, item: Item) -> Tensor | None:
        """From the cache."""
        return self._outputs.get(item)

    def drop(self, item: Item) -> None:
        """Out of the cache."""
        self._outputs.drop(item)

    def clear(self) -> None:
        """The cache alone: graphs stay."""
        self._outputs.clear()

    def holds(self) -> Sequence[Tensor]:
        """The cache's own tensors."""
        return self._outputs.kept

    def bound(self) -> Bound:
        """Bytes; the number of entries is not bounded."""
        return Bound(bytes=self._outputs.capacity_bytes)

    def close(self) -> None:
        """Drops outputs and graphs."""
        self._outputs.clear()
        self._session.close()
