"""Memory that a capture uses but did not make: held weakly, watched, and rolled back after the capture."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import torch
from torch import Tensor

from suite.emulator.errors import DeadMemoryRead
from suite.emulator.internals import storage_key
from suite.emulator.memory import Label, Span, unowned_tensors
from suite.emulator.sites import Site, current_site

StorageRef = weakref.ref[torch.UntypedStorage]


class _Watch(weakref.ref[torch.UntypedStorage]):
    """A weak hold on a storage that remembers the line at which it died."""

    __slots__ = ("died",)
    died: Site | None


def _watch(storage: torch.UntypedStorage) -> _Watch:
    watch = _Watch(storage, _note_death)
    watch.died = None
    return watch


def _note_death(watch: StorageRef) -> None:
    if isinstance(watch, _Watch):
        watch.died = current_site()


@dataclass(eq=False)
class External:
    """One storage from outside the capture, as the tape baked it: nothing here keeps it alive (rule R5)."""

    owner: _Watch
    span: Span
    label: Label
    first_use: Site
    operation: str
    """The operation that used it first."""
    born: Site | None = None
    before: Tensor | None = None
    """Bytes it had before the capture first wrote to it; the tape's rollback."""

    @staticmethod
    def of(tensor: Tensor, *, site: Site, operation: str, born: Site | None) -> External:
        """Take note of the storage under a tensor from outside."""
        storage = tensor.untyped_storage()
        span = Span(storage.data_ptr(), storage.nbytes())
        return External(_watch(storage), span, Label(tensor.dtype, tensor.shape), site, operation, born)

    def snapshot(self) -> None:
        """Keep the bytes as they are now, once: a capture launches nothing (rule R1)."""
        if self.before is None:
            with unowned_tensors():
                self.before = self.span.flat(torch.uint8).clone()

    def roll_back(self) -> None:
        """Undo what the capture wrote."""
        if self.before is not None and self.trouble() is None:
            with unowned_tensors():
                self.span.flat(torch.uint8).copy_(self.before)
        self.before = None

    def trouble(self) -> str | None:
        """How the memory differs from what was baked: dead, moved or resized; None when it is as it was."""
        storage = self.owner()
        if storage is None:
            return f"died at {self.owner.died}"
        if storage.data_ptr() != self.span.address or storage.nbytes() != self.span.nbytes:
            return f"was resized from {self.span.nbytes} to {storage.nbytes()} bytes"
        return None

    def check(self) -> None:
        """Refuse a replay that would touch this memory if it is no longer there.

        Raises:
            DeadMemoryRead: it died, or its storage was resized.
        """
        trouble = self.trouble()
        if trouble is not None:
            born = f"born at {self.born}" if self.born else "born outside the emulator"
            raise DeadMemoryRead(
                f"the replay would use {self.label}, which {trouble}: {born}, first used by {self.operation} at "
                f"{self.first_use}. A graph keeps addresses, not tensors: keep it alive and write into it."
            )


class BirthRegister:
    """Where memory was made, for messages: the device's own allocations and what was born in captures."""

    def __init__(self) -> None:
        self._sites: dict[int, tuple[StorageRef, Site]] = {}
        self._sweep_at = 256

    def add(self, tensor: Tensor, *, site: Site) -> None:
        """Remember the birth of a tensor's storage."""
        self.adopt(weakref.ref(tensor.untyped_storage()), key=storage_key(tensor), site=site)

    def adopt(self, owner: StorageRef, *, key: int, site: Site) -> None:
        """Remember the birth of a storage; entries of dead storages are dropped now and then."""
        if len(self._sites) >= self._sweep_at:
            self._sites = {number: entry for number, entry in self._sites.items() if entry[0]() is not None}
            self._sweep_at = max(256, 2 * len(self._sites))
        self._sites[key] = (owner, site)

    def site(self, key: int) -> Site | None:
        """The birth site of a living storage, by its key, if it is known."""
        owner, site = self._sites.get(key, (None, None))
        return site if owner is not None and owner() is not None else None
