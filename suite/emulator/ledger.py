"""What one capture knows of every storage it meets: born here, or from outside."""

from __future__ import annotations

import torch
from torch import Tensor

from suite.emulator.external import BirthRegister, External
from suite.emulator.internals import storage_key
from suite.emulator.memory import BornBlock, Place, Pool, Span, place_of
from suite.emulator.sites import Site


class Ledger:
    """Storages of one capture in one pool, by identity. Every entry holds its storage weakly.

    The key of a dead storage may be given to a new one, so an entry counts only while its storage lives.
    """

    def __init__(self, pool: Pool, *, births: BirthRegister, capture: int) -> None:
        self.pool = pool
        self.born: list[BornBlock] = []
        self.externals: list[External] = []
        self.constants: list[Tensor] = []
        """Host scalars that kernels got by value."""
        self._births = births
        self._capture = capture
        self._blocks: dict[int, BornBlock] = {}
        self._outside: dict[int, External] = {}

    def knows(self, key: int) -> bool:
        """Whether this capture has met the storage of that key."""
        return self._span(key) is not None

    def place(self, tensor: Tensor, *, site: Site, operation: str) -> Place:
        """Where the tensor lies; memory not met before is external and is held weakly from now on."""
        key = storage_key(tensor)
        span = self._span(key)
        if span is None:
            external = External.of(tensor, site=site, operation=operation, born=self._births.site(key))
            self.externals.append(external)
            self._outside[key] = external
            span = external.span
        return place_of(tensor, span=span)

    def about_to_write(self, tensor: Tensor) -> None:
        """Keep what an external storage held before the capture wrote to it."""
        key = storage_key(tensor)
        external = self._outside.get(key)
        if external is not None and self._span(key) is external.span:
            external.snapshot()

    def moved(self, tensor: Tensor) -> bool:
        """Whether the storage of the tensor is no longer the one that was met."""
        span = self._span(storage_key(tensor))
        if span is None:
            return False
        storage = tensor.untyped_storage()
        return storage.data_ptr() != span.address or storage.nbytes() > span.nbytes

    def bear(self, real: Tensor, *, site: Site, keep_values: bool = True) -> tuple[Tensor, BornBlock]:
        """The model's tensor in the pool for a freshly computed one, with its values (or zeros), and its block."""
        born, tensor = self.pool.bear(real, site=site, capture=self._capture)
        key = storage_key(tensor)
        self.born.append(born)
        self._blocks[key] = born
        self._births.adopt(born.owner, key=key, site=site)
        if keep_values:
            tensor.copy_(real)
        else:
            born.span.flat(torch.uint8).zero_()
        return tensor, born

    def roll_back(self) -> None:
        """Give all external memory the bytes it had before the capture."""
        for external in self.externals:
            external.roll_back()

    def _span(self, key: int) -> Span | None:
        """The memory of a storage that was met and lives."""
        born = self._blocks.get(key)
        if born is not None and born.owner() is not None:
            return born.span
        external = self._outside.get(key)
        if external is not None and external.owner() is not None:
            return external.span
        return None


def alias(sibling: Tensor, *, real: Tensor) -> Tensor:
    """A tensor laid out as `real` in its sibling's storage: operations may return two views of one result."""
    empty = torch.empty(0, dtype=real.dtype)
    return empty.set_(sibling.untyped_storage(), real.storage_offset(), real.shape, real.stride())
