"""SGLang's cache of encoder outputs as it is installed, beside the runner whose outputs it is given."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.api import Item
from suite.contract.keeping import Bound
from suite.subjects.sglang.replaced import load_runner
from suite.subjects.sglang.session import SglangSession

PATH = "srt/mem_cache/multimodal_cache.py"
METHODS = ("set", "get_single", "free", "clear")


@dataclass(frozen=True)
class CacheDialect:
    """The cache of one release; its classes carry no types."""

    cache: type[Any]
    """Made with a number of bytes; keeps its entries in `mm_cache`."""
    result: type[Any]
    """What an entry is wrapped in."""


def cache_dialect(folder: Path, *, backend: str) -> CacheDialect | None:
    """The cache of the release in that folder; None if it has none that single items can be got from.

    Raises:
        AdapterBroken: its file imports something that nothing stands for, or cannot be executed.
    """
    if not (folder / PATH).is_file():
        return None
    module = load_runner(folder / PATH, backend=backend)
    cache, result = getattr(module, "MultiModalStaticCache", None), getattr(module, "EmbeddingResult", None)
    if cache is None or result is None or not all(callable(getattr(cache, name, None)) for name in METHODS):
        return None
    return CacheDialect(cache, result)


class SglangKeeping:
    """A runner and a cache, used as the scheduler uses them: items by their hashes, each put as it came."""

    def __init__(self, session: SglangSession, dialect: CacheDialect, *, capacity_bytes: int) -> None:
        self._session = session
        self._result = dialect.result
        self._cache = dialect.cache(capacity_bytes)

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """Parts of what the model returns; the cache is not asked."""
        return self._session.encode(items)

    def put(self, item: Item, result: Tensor) -> None:
        """A part of what the model returned."""
        self._cache.set(_hash(item), self._result(embedding=result))

    def get(self, item: Item) -> Tensor | None:
        """What is kept, as it is."""
        found = self._cache.get_single(_hash(item))
        kept: Tensor | None = None if found is None else found.embedding
        return kept

    def drop(self, item: Item) -> None:
        """As after a hit of another number of tokens."""
        self._cache.free(_hash(item), None)

    def clear(self) -> None:
        """Everything at once."""
        self._cache.clear()

    def holds(self) -> Sequence[Tensor]:
        """The tensors of its entries."""
        return [entry.embedding for entry in self._cache.mm_cache.values()]

    def bound(self) -> Bound:
        """Bytes."""
        return Bound(bytes=self._cache.max_size)

    def close(self) -> None:
        """Drops the cache and the runner."""
        try:
            self._cache.clear()
        finally:
            self._session.close()


def _hash(item: Item) -> int:
    """A number for the whole content: which hash the scheduler makes is not what is judged here."""
    about = f"{item.modality} {item.grid} {tuple(item.pixels.shape)}".encode()
    pixels = item.pixels.contiguous().view(torch.uint8).numpy().tobytes()
    return int.from_bytes(hashlib.sha256(about + pixels).digest()[:8], "big")
