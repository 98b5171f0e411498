"""A cache of encoder outputs: keyed by content, bounded in bytes, the least recently used out first."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from models.api import Item


class EncoderOutputs:
    """Keeps results of an encoder under the content of their items, up to a number of bytes.

    What is put in is copied, and what is got out is a copy: graphs write into their outputs, and callers into theirs.

    Raises:
        ValueError: a capacity below 0.
    """

    def __init__(self, capacity_bytes: int) -> None:
        if capacity_bytes < 0:
            raise ValueError(f"capacity_bytes={capacity_bytes}: choose 0, to keep nothing, or more")
        self.capacity_bytes = capacity_bytes
        self._kept: OrderedDict[str, Tensor] = OrderedDict()

    def put(self, item: Item, result: Tensor) -> bool:
        """Keeps a copy of the item's `[tokens, width]`; False if it alone is larger than the capacity."""
        key = self._key(item)
        if key in self._kept:
            self._used(key)
            return True
        size = self._size(result)
        if size > self.capacity_bytes:
            return False
        self._make_room(size)
        self._kept[key] = self._own(result)
        return True

    def get(self, item: Item) -> Tensor | None:
        """A copy of what is kept for an item of this content, `[tokens, width]`; None if nothing is."""
        key = self._key(item)
        if key not in self._kept:
            return None
        self._used(key)
        return self._lent(self._kept[key])

    def drop(self, item: Item) -> None:
        """Lets go of what is kept for the item."""
        self._kept.pop(self._key(item), None)

    def clear(self) -> None:
        """Lets go of everything."""
        self._kept.clear()

    @property
    def kept(self) -> Sequence[Tensor]:
        """What is held, the least recently used first: not copies, so not to be written to."""
        return tuple(self._kept.values())

    @property
    def held_bytes(self) -> int:
        """Bytes of all that is held."""
        return sum(self._size(kept) for kept in self._kept.values())

    def _make_room(self, size: int) -> None:
        while self.held_bytes + size > self.capacity_bytes:
            self._evict()

    def _evict(self) -> None:
        self._kept.popitem(last=False)

    def _used(self, key: str) -> None:
        self._kept.move_to_end(key)

    def _size(self, result: Tensor) -> int:
        return result.numel() * result.element_size()

    def _own(self, result: Tensor) -> Tensor:
        """A copy without the storage around it: a slice would keep its whole batch alive."""
        return result.detach().clone(memory_format=torch.contiguous_format)

    def _lent(self, kept: Tensor) -> Tensor:
        return kept.clone()

    def _key(self, item: Item) -> str:
        """Items of equal pixels may differ in shape, and then have other positions."""
        about = f"{item.modality} {item.grid} {item.pixels.dtype} {tuple(item.pixels.shape)}"
        pixels = item.pixels.detach().cpu().contiguous().view(torch.uint8)
        return hashlib.sha256(about.encode() + pixels.numpy().tobytes()).hexdigest()
