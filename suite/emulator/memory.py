"""The memory of a pool: real bytes, and tensors that look at them without owning anything.

A tape bakes addresses. What the model sees and what the tape sees are therefore two tensors over the same
bytes: the model's has a storage of its own, whose death frees the block, and the tape's (*raw*) does not
notice who else lives there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from suite.emulator.allocator import ALIGNMENT, Allocator, Block, aligned
from suite.emulator.sites import Site

SEGMENT_BYTES = 1 << 20


@dataclass(frozen=True)
class Label:
    """Dtype and shape, as messages name a tensor: `float32[4, 8]`."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')}{list(self.shape)}"


@contextmanager
def unowned_tensors() -> Iterator[None]:
    """Raw tensors are made and written here: no autograd, no version counters, no complaint."""
    with torch.inference_mode():
        yield


@dataclass(frozen=True, eq=False)
class Span:
    """Bytes at an address. Those of a pool name the buffer that keeps them mapped; others may die."""

    address: int
    nbytes: int
    buffer: bytearray | None = None
    skip: int = 0
    """Bytes of the buffer before the address."""

    def flat(self, dtype: torch.dtype) -> Tensor:
        """The bytes as a vector of the dtype, owning nothing."""
        count = self.nbytes // dtype.itemsize
        if count == 0:
            return torch.empty(0, dtype=dtype)
        if self.buffer is not None:
            return torch.frombuffer(self.buffer, dtype=dtype, count=count, offset=self.skip)
        window = (ctypes.c_char * self.nbytes).from_address(self.address)
        return torch.frombuffer(window, dtype=dtype, count=count)


@dataclass(frozen=True)
class Place:
    """A baked tensor: a layout over a span, offset in elements. Equal places share one raw tensor."""

    span: Span
    dtype: torch.dtype
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int

    def __str__(self) -> str:
        return str(Label(self.dtype, self.shape))


def place_of(tensor: Tensor, *, span: Span) -> Place:
    """Where the tensor lies in the span of its storage."""
    return Place(span, tensor.dtype, tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()))


class RawTensors:
    """Raw tensors by place, each made once."""

    def __init__(self) -> None:
        self._flat: dict[tuple[int, torch.dtype], Tensor] = {}
        self._raw: dict[Place, Tensor] = {}

    def at(self, place: Place) -> Tensor:
        """The raw tensor of a place; call it under `unowned_tensors`."""
        raw = self._raw.get(place)
        if raw is None:
            key = (id(place.span), place.dtype)
            flat = self._flat.get(key)
            if flat is None:
                flat = self._flat[key] = place.span.flat(place.dtype)
            if flat.numel() == 0:
                raw = torch.empty_strided(place.shape, place.stride, dtype=place.dtype)
            else:
                raw = flat.as_strided(place.shape, place.stride, place.offset)
            self._raw[place] = raw
        return raw


@dataclass(eq=False)
class BornBlock:
    """Memory born in a capture: its block, and a weak hold on the storage that the model sees."""

    block: Block
    span: Span
    label: Label
    site: Site
    capture: int
    owner: StorageWeakRef
    returned: bool = False


@dataclass(frozen=True)
class _Segment:
    buffer: bytearray
    address: int
    skip: int

    @staticmethod
    def of_size(size: int) -> _Segment:
        buffer = bytearray(size + ALIGNMENT)
        begin = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
        return _Segment(buffer=buffer, address=begin + (-begin) % ALIGNMENT, skip=(-begin) % ALIGNMENT)


@dataclass(eq=False)
class Pool:
    """One arena, shared by the captures that name it (rules R3, R4, R11)."""

    key: Hashable
    graphs: int = 0
    """Captured graphs that may still be replayed into this pool, and captures on their way."""
    capturing: bool = False
    born: dict[int, BornBlock] = field(default_factory=dict)
    """Blocks whose storage was alive when last looked at, by start address."""
    _allocator: Allocator = field(default_factory=Allocator)
    _segments: dict[int, _Segment] = field(default_factory=dict)
    _baked: dict[int, int] = field(default_factory=dict)
    """Per segment, the end of the memory that finished captures bake."""

    @property
    def bytes(self) -> int:
        """Bytes that graphs of this pool write at replay, gaps included, and that live tensors hold."""
        ends = dict(self._baked)
        for born in self.born.values():
            segment = self._allocator.segment_of(born.block.start)
            ends[segment] = max(ends.get(segment, 0), born.block.end)
        return sum(end - segment for segment, end in ends.items())

    def bear(self, real: Tensor, *, site: Site, capture: int) -> tuple[BornBlock, Tensor]:
        """Give a freshly computed tensor's storage a block; return it with the model's tensor over it."""
        self.sweep()
        nbytes = max(real.untyped_storage().nbytes(), real.element_size())
        block = self._take(nbytes)
        segment = self._segments[self._allocator.segment_of(block.start)]
        skip = segment.skip + block.start - segment.address
        tensor = adopt(real, span=Span(block.start, nbytes, segment.buffer, skip))
        span = Span(block.start, block.size, segment.buffer, skip)
        owner = StorageWeakRef(tensor.untyped_storage())
        born = BornBlock(block, span, Label(real.dtype, tuple(real.shape)), site, capture, owner)
        self.born[block.start] = born
        return born, tensor

    def bake(self, blocks: Iterable[BornBlock]) -> None:
        """A capture has finished: its graph will write to these blocks, alive or dead."""
        for born in blocks:
            segment = self._allocator.segment_of(born.block.start)
            self._baked[segment] = max(self._baked.get(segment, 0), born.block.end)

    def retire(self) -> None:
        """One graph, or one capture that failed, lets go of the pool."""
        self.graphs -= 1
        if self.graphs == 0:
            self._baked.clear()

    def sweep(self) -> None:
        """Free the blocks whose storages have died since the last look."""
        dead = [start for start, born in self.born.items() if born.owner.expired()]
        for start in dead:
            del self.born[start]
            self._allocator.give_back(start)

    def trim(self) -> None:
        """Let go of segments that no graph bakes and in which no block is in use."""
        for start in self._allocator.idle_segments():
            if start not in self._baked and not self.capturing:
                self._allocator.drop_segment(start)
                del self._segments[start]

    def _take(self, nbytes: int) -> Block:
        block = self._allocator.take(nbytes)
        if block is None:
            size = aligned(max(nbytes, SEGMENT_BYTES))
            segment = _Segment.of_size(size)
            self._segments[segment.address] = segment
            self._allocator.add_segment(segment.address, size=size)
            block = self._allocator.take(nbytes)
        if block is None:
            raise MemoryError(f"a fresh segment has no room for {nbytes} bytes")
        return block


def adopt(real: Tensor, *, span: Span) -> Tensor:
    """A tensor laid out as `real`, over the span's bytes, with a storage of its own."""
    return span.flat(real.dtype).as_strided(real.shape, real.stride(), real.storage_offset())
