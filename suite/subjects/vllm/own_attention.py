"""What stands for the kernel of variable-length attention below the engine's own layers and wrapper."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from models.attention import SegmentedAttention, Segments
from models.towers.base import Sequences


class EachSequence(SegmentedAttention):
    """Attention in which each sequence reaches from one offset to the next, whatever the others are.

    Offsets that fall back, as zeros behind the last one do, are sequences without rows: a kernel starts no work there.
    """

    def segments(self, cu_seqlens: Tensor, rows: Tensor, longest: Tensor | int | None) -> Segments:
        """The sequence of each of `rows` by number from 1, and 0 for rows in none."""
        starts, ends = cu_seqlens[:-1, None], cu_seqlens[1:, None]
        inside = (rows >= starts) & (rows < ends)
        if longest is not None:
            inside = inside & (rows - starts < longest)
        counted = torch.arange(1, len(cu_seqlens), device=rows.device)
        number = (inside * counted[:, None]).amax(0)
        live = number > 0
        return Segments(number, number.masked_fill(~live, -1), live)


_KERNEL = EachSequence()


@dataclass(frozen=True)
class VarlenAttention:
    """Attention in the words of flash attention, with no wait of the host."""

    reads_tiles: bool = False
    """Values in no sequence are read with weight zero, as by kernels that read whole tiles: a NaN there reaches every
    row (BUG-E01)."""

    def __call__(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        cu_seqlens_q: Tensor,
        max_seqlen_q: int,
        softmax_scale: float | None,
        out: Tensor | None = None,
        **_rest: object,
    ) -> Tensor:
        """Three times `[rows, heads, dim]` to the same; rows in no sequence stay as they are in the output."""
        query, key, value = (each.transpose(0, 1)[None] for each in (q, k, v))
        mixed = _KERNEL.attend(query, key, value, softmax_scale, Sequences(cu_seqlens_q, max_seqlen_q))
        mixed = mixed[0].transpose(0, 1)
        rows = torch.arange(len(q), device=q.device)
        live = _KERNEL.segments(cu_seqlens_q, rows, max_seqlen_q).live[:, None, None]
        if self.reads_tiles:
            mixed = mixed + 0 * v.masked_fill(live, 0).sum(0)
        target = torch.empty_like(q) if out is None else out
        return target.copy_(torch.where(live, mixed, target))


def wrapped_attention(wrapper: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The engine's wrapper as a plain function, whose bound on lengths may be read on the host."""
    return partial(_called, wrapper)


def _called(wrapper: Callable[..., Tensor], *args: object, max_seqlen: Tensor | None = None, **named: object) -> Tensor:
    return wrapper(*args, max_seqlen=None if max_seqlen is None else HostNumber(max_seqlen), **named)


@dataclass(frozen=True)
class HostNumber:
    """A tensor of one number that lies on the host.

    On the emulator's one device it looks like a device tensor, for which the host must not wait.
    """

    tensor: Tensor

    def item(self) -> int:
        """The number as it is now: what a capture bakes.

        Raises:
            TypeError: the tensor is no 32-bit integer.
        """
        if self.tensor.dtype is not torch.int32:
            raise TypeError(f"expected a tensor of dtype torch.int32, found {self.tensor.dtype}: read it as that")
        return ctypes.c_int32.from_address(self.tensor.data_ptr()).value


class CudaPlatform:
    """What the wrapper of attention asks of its platform."""

    def is_cuda(self) -> bool:
        """So it takes the way that it takes on the GPUs for which graphs are made."""
        return True

    def is_rocm(self) -> bool:
        """Not that one."""
        return False
