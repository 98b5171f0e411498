"""Memory that a capture uses but did not make: held weakly, watched, and rolled back after the capture."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from suite.emulator.errors import DeadMemoryRead
from suite.emulator.internals import storage_behind
from suite.emulator.memory import Label, Span, unowned_tensors
from suite.emulator.sites import Site, current_site


@dataclass(eq=False)
class External:
    """One storage from outside the capture, as the tape baked it: nothing here keeps it alive (rule R5)."""

    owner: StorageWeakRef
    span: Span
    label: Label
    first_use: Site
    operation: str
    """The operation that used it first."""
    born: Site | None = None
    died: Site | None = None
    before: Tensor | None = None
    """Bytes it had before the capture first wrote to it; the tape's rollback."""
    _handles: list[weakref.ref[Tensor]] = field(default_factory=list)

    @staticmethod
    def of(tensor: Tensor, *, site: Site, operation: str, born: Site | None) -> External:
        """Take note of the storage under a tensor from outside."""
        storage = tensor.untyped_storage()
        span = Span(storage.data_ptr(), storage.nbytes())
        name = Label(tensor.dtype, tuple(tensor.shape))
        external = External(StorageWeakRef(storage), span, name, site, operation, born)
        external._handles.append(weakref.ref(tensor))
        return external

    def seen(self, tensor: Tensor) -> None:
        """One more Python tensor over this storage."""
        if all(handle() is not tensor for handle in self._handles):
            self._handles.append(weakref.ref(tensor))

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

    def watch(self) -> None:
        """From the end of the capture on, remember the line at which the last Python handle dies."""
        living = [tensor for handle in self._handles if (tensor := handle()) is not None]
        note = _death_note(weakref.ref(self))
        self._handles = [weakref.ref(tensor, note) for tensor in living]

    def trouble(self) -> str | None:
        """How the memory differs from what was baked: dead, moved or resized; None when it is as it was."""
        if self.owner.expired():
            return f"died at {self.died}" if self.died else "has died (its storage was replaced or released)"
        storage = storage_behind(self.owner)
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


def _death_note(target: weakref.ref[External]) -> Callable[[weakref.ref[Tensor]], None]:
    def note(_handle: weakref.ref[Tensor]) -> None:
        external = target()
        if external is not None:
            external.died = current_site()

    return note


class BirthRegister:
    """Where memory was made, for messages: the device's own allocations and what was born in captures."""

    def __init__(self) -> None:
        self._sites: dict[int, tuple[StorageWeakRef, Site]] = {}
        self._sweep_at = 256

    def add(self, tensor: Tensor, *, site: Site) -> None:
        """Remember the birth of a tensor's storage."""
        self.adopt(StorageWeakRef(tensor.untyped_storage()), site=site)

    def adopt(self, owner: StorageWeakRef, *, site: Site) -> None:
        """Remember the birth of a storage; entries of dead storages are dropped now and then."""
        if len(self._sites) >= self._sweep_at:
            self._sites = {key: entry for key, entry in self._sites.items() if not entry[0].expired()}
            self._sweep_at = max(256, 2 * len(self._sites))
        self._sites[owner.cdata] = (owner, site)

    def site(self, key: int) -> Site | None:
        """The birth site of a storage, by its key, if it is known."""
        entry = self._sites.get(key)
        return entry[1] if entry else None
