"""Faults of ranks that are processes: most of them are none where ranks are threads."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from models.api import Item
from reference.encoder_graph.collectives import Collectives, TorchCollectives
from reference.encoder_graph.shard_plan import Assignment, LargestFirst, ShardPlan
from reference.encoder_graph.sharding import ShardedEncoder
from reference.engine.group import Group, joined_group
from reference.engine.place import Place
from reference.engine.process import WorkerProcess
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts

BYTES = 1 << 22
"""Of memory that processes share; the outputs of one batch of the toy are less."""


class _WaitsForNothing(TorchCollectives):
    """Starts to gather rows, and goes on while they are under way."""

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        if not tensor.is_floating_point():
            return super().all_gather(tensor)
        gathered = [torch.zeros_like(tensor) for _ in range(self.world_size)]
        dist.all_gather(gathered, tensor.contiguous(), async_op=True)
        return gathered


class _ShortensRows(TorchCollectives):
    """Sends rows with half of their bits, and keeps its own as they are."""

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        if tensor.dtype != torch.float32:
            return super().all_gather(tensor)
        gathered = super().all_gather((tensor.view(torch.int32) & ~7).view(torch.float32))
        gathered[self.rank] = tensor
        return gathered


class _MakesUpRows(TorchCollectives):
    """Takes zeros for what a rank does not send."""

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        try:
            return super().all_gather(tensor)
        except RuntimeError:
            return [tensor if rank == self.rank else torch.zeros_like(tensor) for rank in range(self.world_size)]


class _ChecksFirst:
    """Asks the others once, at the first rows that it has, whether they are there."""

    def __init__(self, group: Collectives) -> None:
        self._group = group
        self._is_known = False
        self.rank = group.rank
        self.world_size = group.world_size

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """As the group's."""
        if not self._is_known and tensor.is_floating_point() and tensor.any():
            self._is_known = True
            self._group.all_gather(tensor)
        return self._group.all_gather(tensor)


def _joined(kind: type[TorchCollectives]) -> Callable[..., Group]:
    """The meeting as it is, with another face of the group."""

    def join(place: Place, device: torch.device, *, seconds: float) -> Group:
        """As `joined_group`."""
        return replace(joined_group(place, device, seconds=seconds), collectives=kind())

    return join


def _joined_for_ever(place: Place, device: torch.device, *, seconds: float) -> Group:
    """The meeting without the limit that was given."""
    return joined_group(place, device, seconds=1800.0)


def _joined_turned_round(place: Place, device: torch.device, *, seconds: float) -> Group:
    """The meeting under the number that is this far from the other end."""
    return joined_group(replace(place, rank=place.world_size - 1 - place.rank), device, seconds=seconds)


class _ByProcess(LargestFirst):
    """Begins with another rank in each process, to spread the first items over the machine."""

    def assign(self, sizes: Sequence[int], ranks: int) -> Assignment:
        items = super().assign(sizes, ranks).items
        first = os.getpid() % ranks
        return Assignment((*items[first:], *items[:first]))


class _EndsItself(ShardedEncoder):
    """Ends its process where it fails."""

    def _encode_own(self, items: Sequence[Item], plan: ShardPlan) -> Sequence[Tensor]:
        try:
            return super()._encode_own(items, plan)
        except Exception:
            os._exit(1)


class _OneCopy(ShardedEncoder):
    """Keeps one copy of the outputs for all processes of the machine."""

    def __init__(self, *arguments: Any, memory: mmap.mmap, **wishes: Any) -> None:  # noqa: ANN401 - the factory's own
        super().__init__(*arguments, **wishes)
        self._memory = memory
        self._used = 0

    def _restore(self, plan: ShardPlan, gathered: Sequence[Tensor]) -> list[Tensor]:
        return [self._put(output) for output in super()._restore(plan, gathered)]

    def _put(self, output: Tensor) -> Tensor:
        if not output.numel():
            return output
        if self._used + output.nbytes > BYTES:
            self._used = 0
        place = torch.frombuffer(self._memory, dtype=output.dtype, count=output.numel(), offset=self._used)
        self._used += output.nbytes
        return place.view_as(output).copy_(output)


class _OneBatch(_OneCopy):
    """Keeps the outputs of one batch, where those of the next one will be."""

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        self._used = 0
        return super().encode(items)


def _in_one_memory(kind: type[_OneCopy]) -> Callable[[], Parts]:
    """Parts with memory that all processes have which are forked later."""

    def make() -> Parts:
        """The parts."""
        memory = mmap.mmap(-1, BYTES)

        def encoder(*arguments: Any, **wishes: Any) -> ShardedEncoder:  # noqa: ANN401 - the factory's own
            return kind(*arguments, memory=memory, **wishes)

        return injection.sharding(encoder=encoder)()

    return make


class _TrustsTheLine(WorkerProcess):
    """Closes its line, and trusts that the process then ends."""

    def end(self, *, seconds: float) -> bool:
        self._requests.put(None)
        self._connection.close()
        return True


class _NeverAsks(WorkerProcess):
    """Ends the process, and never asks how it ended."""

    def end(self, *, seconds: float) -> bool:
        self._kill()
        self._requests.put(None)
        return True


_EAGER = "sharding_processes/equals-eager-on-every-rank"

FAULTS = (
    Fault(
        id="sharding_processes/waits-for-nothing",
        breaks="rows are read while they are still being gathered",
        caught_by=(_EAGER,),
        parts=injection.sharding(join=_joined(_WaitsForNothing)),
    ),
    Fault(
        id="sharding_processes/turned-round",
        breaks="processes join the group in another order than the ranks that they stand for",
        caught_by=(_EAGER,),
        parts=injection.sharding(join=_joined_turned_round),
    ),
    Fault(
        id="sharding_processes/by-process",
        breaks="each process shares a batch out by its own number",
        caught_by=(_EAGER,),
        parts=injection.sharding(balancer=_ByProcess),
    ),
    Fault(
        id="sharding_processes/shortens-rows",
        breaks="rows lose bits between processes, but not in the process that encoded them",
        caught_by=("sharding_processes/ranks-hold-equal-bits",),
        parts=injection.sharding(join=_joined(_ShortensRows)),
    ),
    Fault(
        id="sharding_processes/checks-first",
        breaks="a process gathers once more before the first rows of its own",
        caught_by=("sharding_processes/same-collectives-on-every-rank",),
        parts=injection.sharding(collectives=_ChecksFirst),
        source="BUG-G24",
    ),
    Fault(
        id="sharding_processes/one-batch",
        breaks="outputs stay where the next batch will be gathered",
        caught_by=("sharding_processes/results-outlive-later-batches",),
        parts=_in_one_memory(_OneBatch),
        source="BUG-G15",
    ),
    Fault(
        id="sharding_processes/one-copy",
        breaks="outputs are in memory that all processes share",
        caught_by=("sharding_processes/results-can-be-written",),
        parts=_in_one_memory(_OneCopy),
        source="BUG-G16",
    ),
    Fault(
        id="sharding_processes/ends-itself",
        breaks="a rank that fails ends its process before the others are told",
        caught_by=("sharding_processes/failure-is-told-on-every-rank",),
        parts=injection.sharding(encoder=_EndsItself),
    ),
    Fault(
        id="sharding_processes/makes-up-rows",
        breaks="zeros stand for what a process that died does not send",
        caught_by=("sharding_processes/death-is-noticed-on-every-rank",),
        parts=injection.sharding(join=_joined(_MakesUpRows)),
    ),
    Fault(
        id="sharding_processes/waits-for-ever",
        breaks="the limit on a collective is not given to the group",
        caught_by=("sharding_processes/silence-is-noticed-on-every-rank",),
        parts=injection.sharding(join=_joined_for_ever),
    ),
    Fault(
        id="sharding_processes/trusts-the-line",
        breaks="processes are told to end by a closed line, which their own copies of it keep open",
        caught_by=("sharding_processes/no-process-is-left",),
        parts=injection.sharding(process=_TrustsTheLine),
    ),
    Fault(
        id="sharding_processes/never-asks",
        breaks="processes that were ended are never asked for, and stay in the table",
        caught_by=("sharding_processes/no-process-is-left",),
        parts=injection.sharding(process=_NeverAsks),
    ),
)
