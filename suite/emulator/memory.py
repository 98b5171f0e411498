"""The memory of a pool: real bytes, and tensors that look at them without owning anything.

A tape bakes addresses. What the model sees and what the tape sees are therefore two tensors over the same
bytes: the model's has a storage of its own, whose death frees the block, and the tape's (*raw*) does not
notice who else lives there.
"""

from __future__ import annotations

import ctypes
import weakref
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from suite.emulator.allocator import ALIGNMENT, Allocator, Block, aligned
from suite.emulator.sites import Site

SEGMENT_BYTES = 1 << 20


class Label(NamedTuple):
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
    buffer: memoryview | None = None
    skip: int = 0
    """Bytes of the buffer before the address."""

    def flat(self, dtype: torch.dtype, nbytes: int | None = None) -> Tensor:
        """The bytes, or the first `nbytes` of them, as a vector of the dtype, owning nothing."""
        count = (self.nbytes if nbytes is None else nbytes) // dtype.itemsize
        if count == 0:
            return torch.empty(0, dtype=dtype)
        if self.buffer is not None:
            return torch.frombuffer(self.buffer, dtype=dtype, count=count, offset=self.skip)
        window = (ctypes.c_char * self.nbytes).from_address(self.address)
        return torch.frombuffer(window, dtype=dtype, count=count)


class Place(NamedTuple):
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
    return Place(span, tensor.dtype, tensor.shape, tensor.stride(), int(tensor.storage_offset()))


class RawTensors:
    """Raw tensors by place, each made once."""

    def __init__(self) -> None:
        self._flat: dict[tuple[int, torch.dtype], Tensor] = {}
        """Whole buffers of pools, and single spans of other memory, as vectors."""
        self._raw: dict[Place, Tensor] = {}

    def at(self, place: Place) -> Tensor:
        """The raw tensor of a place; call it under `unowned_tensors`."""
        raw = self._raw.get(place)
        if raw is None:
            raw = self._raw[place] = self._made(*place)
        return raw

    def _made(self, span: Span, dtype: torch.dtype, shape: Sequence[int], stride: Sequence[int], offset: int) -> Tensor:
        if span.nbytes < dtype.itemsize:
            return torch.empty_strided(shape, stride, dtype=dtype)
        key = (id(span.buffer or span), dtype)
        flat = self._flat.get(key)
        if flat is None:
            flat = span.flat(dtype) if span.buffer is None else torch.frombuffer(span.buffer, dtype=dtype)
            self._flat[key] = flat
        return flat.as_strided(shape, stride, offset + span.skip // dtype.itemsize)


class Owner(weakref.ref[torch.UntypedStorage]):
    """A weak hold on the model's storage over the block that begins at `start`."""

    __slots__ = ("start",)
    start: int


@dataclass(eq=False)
class BornBlock:
    """Memory born in a capture: its block, and a weak hold on the storage that the model sees."""

    block: Block
    span: Span
    label: Label
    site: Site
    capture: int
    owner: Owner
    returned: bool = False


@dataclass(frozen=True)
class _Segment:
    buffer: memoryview
    address: int

    @staticmethod
    def of_size(size: int) -> _Segment:
        buffer = bytearray(size + ALIGNMENT)
        begin = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
        skip = (-begin) % ALIGNMENT
        return _Segment(buffer=memoryview(buffer)[skip : skip + size], address=begin + skip)


@dataclass(eq=False)
class Pool:
    """One arena, shared by the captures that name it (rules R3, R4, R11)."""

    key: Hashable
    graphs: int = 0
    """Captured graphs that may still be replayed into this pool, and captures on their way."""
    capturing: bool = False
    born: dict[int, BornBlock] = field(default_factory=dict)
    """Blocks whose storage was alive when last looked at, by start address."""
    _dead: deque[Owner] = field(default_factory=deque)
    """Owners that died since the last sweep; they put themselves here."""
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
        span = Span(block.start, block.size, segment.buffer, block.start - segment.address)
        tensor = adopt(real, span=span, nbytes=nbytes)
        owner = Owner(tensor.untyped_storage(), self._dead.append)
        owner.start = block.start
        born = BornBlock(block, span, Label(real.dtype, real.shape), site, capture, owner)
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
        while self._dead:
            start = self._dead.popleft().start
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


def adopt(real: Tensor, *, span: Span, nbytes: int | None = None) -> Tensor:
    """A tensor laid out as `real`, over the span's (first) bytes, with a storage of its own."""
    return span.flat(real.dtype, nbytes).as_strided(real.shape, real.stride(), real.storage_offset())
