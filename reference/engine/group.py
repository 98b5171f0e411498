"""How ranks come together in a group of processes, and leave it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from reference.encoder_graph.collectives import Collectives, SingleRank, TorchCollectives
from reference.engine.errors import EngineConfigError
from reference.engine.place import Place

MEETING_SECONDS = 120.0
"""How long a rank waits for the others, at the meeting and in each collective."""


@dataclass(frozen=True)
class Group:
    """The ranks of one engine."""

    collectives: Collectives
    leave: Callable[[], None]
    """Ends this rank's part of it; a second time nothing happens."""


def _nothing() -> None:
    return


ALONE = Group(SingleRank(), _nothing)
"""A rank that meets nobody."""


def joined_group(place: Place, device: torch.device, *, seconds: float = MEETING_SECONDS) -> Group:
    """The group that meets at the place's rendezvous: gloo on a CPU, NCCL on CUDA. One rank is a group of its own.

    Raises:
        EngineConfigError: there are several ranks, and nothing says where they meet.
        RuntimeError: not all came in time.
    """
    if place.world_size == 1:
        return ALONE
    if place.rendezvous is None:
        raise EngineConfigError(
            f"{place.world_size} ranks share an encoder, and nothing says where they meet: "
            "use MultiProcessExecutor, or give Place(rendezvous='file:///...')."
        )
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=place.rendezvous,
        rank=place.rank,
        world_size=place.world_size,
        timeout=timedelta(seconds=seconds),
    )
    return Group(TorchCollectives(), _leave)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
