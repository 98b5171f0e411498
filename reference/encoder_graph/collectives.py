"""The seam between ranks: everything that a sharded encoder asks of a group of processes (SPEC G8)."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor


class Collectives(Protocol):
    """A group of ranks that meet in the same collectives, in the same order."""

    @property
    def rank(self) -> int:
        """The caller's own rank, from 0."""
        ...

    @property
    def world_size(self) -> int:
        """How many ranks there are."""
        ...

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """One tensor per rank, in the order of ranks, in memory of the caller's own.

        Every rank gives a tensor of the same shape and dtype; that they are equal is the caller's to see to.
        """
        ...


class SingleRank:
    """A world of one."""

    rank = 0
    world_size = 1

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """A copy of the tensor."""
        return [tensor.clone()]


class TorchCollectives:
    """A process group of `torch.distributed`: gloo for tensors on the host, NCCL for tensors on CUDA devices.

    Deadlines are the group's: a rank that never comes ends the others with the group's own timeout.

    Raises:
        RuntimeError: no process group has been initialised.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        if not dist.is_available() or not dist.is_initialized():
            raise RuntimeError(
                "torch.distributed has no process group: call torch.distributed.init_process_group on every rank "
                "first, or use SingleRank for a world of one."
            )
        self._group = group
        self.rank = dist.get_rank(group)
        self.world_size = dist.get_world_size(group)

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """One tensor per rank, each in storage of its own."""
        given = tensor.contiguous()
        gathered = [torch.empty_like(given) for _ in range(self.world_size)]
        dist.all_gather(gathered, given, group=self._group)
        return gathered
