"""What one capture knows of every storage it meets: born here, or from outside."""

from __future__ import annotations

import torch
from torch import Tensor

from suite.emulator.external import BirthRegister, External
from suite.emulator.internals import storage_key
from suite.emulator.memory import BornBlock, Place, Pool, Span, place_of
from suite.emulator.sites import Site, current_site


class Ledger:
    """Storages of one capture in one pool, by identity. Every entry holds its storage weakly."""

    def __init__(self, pool: Pool, *, births: BirthRegister, capture: int) -> None:
        self.pool = pool
        self.born: list[BornBlock] = []
        self.externals: dict[int, External] = {}
        self.constants: list[Tensor] = []
        """Host scalars that kernels got by value."""
        self._births = births
        self._capture = capture
        self._blocks: dict[int, BornBlock] = {}

    def knows(self, tensor: Tensor) -> bool:
        """Whether the tensor lies in memory that this capture has met."""
        key = storage_key(tensor)
        return key in self._blocks or key in self.externals

    def block_of(self, tensor: Tensor) -> BornBlock:
        """The block of a tensor born in this capture."""
        return self._blocks[storage_key(tensor)]

    def place(self, tensor: Tensor, *, site: Site, operation: str) -> Place:
        """Where the tensor lies; memory not met before is external and is held weakly from now on."""
        key = storage_key(tensor)
        born = self._blocks.get(key)
        if born is not None:
            return place_of(tensor, span=born.span)
        external = self.externals.get(key)
        if external is None:
            found = self._births.site(key)
            external = External.of(tensor, site=site, operation=operation, born=found)
            self.externals[key] = external
        else:
            external.seen(tensor)
        return place_of(tensor, span=external.span)

    def meet(self, tensor: Tensor, *, operation: str) -> None:
        """Take note of the storage under a tensor, if it is new."""
        if not self.knows(tensor):
            self.place(tensor, site=current_site(), operation=operation)

    def about_to_write(self, tensor: Tensor) -> None:
        """Keep what an external storage held before the capture wrote to it."""
        external = self.externals.get(storage_key(tensor))
        if external is not None:
            external.snapshot()

    def moved(self, tensor: Tensor) -> bool:
        """Whether the storage of the tensor is no longer the one that was met."""
        key = storage_key(tensor)
        span = self._span(key)
        if span is None:
            return False
        storage = tensor.untyped_storage()
        return storage.data_ptr() != span.address or storage.nbytes() > span.nbytes

    def bear(self, real: Tensor, *, site: Site, keep_values: bool = True) -> Tensor:
        """The model's tensor in the pool for a freshly computed one, with its values (or zeros)."""
        born, tensor = self.pool.bear(real, site=site, capture=self._capture)
        self.born.append(born)
        self._blocks[born.owner.cdata] = born
        self._births.adopt(born.owner, site=site)
        if keep_values:
            tensor.copy_(real)
        else:
            born.span.flat(torch.uint8).zero_()
        return tensor

    def roll_back(self) -> None:
        """Give all external memory the bytes it had before the capture."""
        for external in self.externals.values():
            external.roll_back()

    def _span(self, key: int) -> Span | None:
        born, external = self._blocks.get(key), self.externals.get(key)
        if born is not None:
            return born.span
        return external.span if external is not None else None


def alias(sibling: Tensor, *, real: Tensor) -> Tensor:
    """A tensor laid out as `real` in its sibling's storage: operations may return two views of one result."""
    empty = torch.empty(0, dtype=real.dtype)
    return empty.set_(sibling.untyped_storage(), real.storage_offset(), real.shape, real.stride())
