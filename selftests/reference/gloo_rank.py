"""One rank of a real gloo group: `python -m selftests.reference.gloo_rank RANK WORLD FOLDER` does every task once.

What came of them is left in the folder. The ranks find each other through a file there, so no port is taken.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

import models
from models.api import Item
from reference.encoder_graph.collectives import Collectives, TorchCollectives
from reference.model_runner import EncoderModelRunner
from selftests.reference.plain import PlainDevice, config
from selftests.reference.sharded import batch, folded, sharded

MIX = batch((2, 2), (4, 8), (2, 2), (6, 2), (2, 2))
FEW = MIX[3:4]
Outcome = list[Tensor] | str
"""Outputs, or the type and text of the exception."""


def result_file(folder: Path, rank: int) -> Path:
    """Where a rank leaves its outcomes, by task."""
    return folder / f"rank-{rank}.pt"


def halves(items: Sequence[Item]) -> list[Tensor]:
    """Outputs as bfloat16."""
    return [output.bfloat16() for output in folded(items)]


def _fails(_items: Sequence[Item]) -> list[Tensor]:
    raise MemoryError("planted")


def _runner(ranks: Collectives) -> EncoderModelRunner:
    wishes = config(encoder_cudagraph_token_budgets=[4, 8], mm_encoder_tp_mode="data")
    runner = EncoderModelRunner(models.build("toy"), config=wishes, device=PlainDevice(), collectives=ranks)
    runner.capture_model()
    return runner


TASKS: dict[str, Callable[[Collectives], list[Tensor]]] = {
    "mix": lambda ranks: sharded(ranks).encode(MIX),
    "nothing": lambda ranks: sharded(ranks).encode([]),
    "fewer than ranks": lambda ranks: sharded(ranks).encode(FEW),
    "bfloat16": lambda ranks: sharded(ranks, halves, dtype=torch.bfloat16).encode(MIX),
    "rank 1 fails": lambda ranks: sharded(ranks, _fails if ranks.rank else folded).encode(MIX),
    "rank 1 differs": lambda ranks: sharded(ranks, halves if ranks.rank else folded).encode(MIX),
    "mix again": lambda ranks: sharded(ranks).encode(MIX),
    "runner with graphs": lambda ranks: _runner(ranks).execute_mm_encoder(MIX),
}
"""In this order, in one group: a batch after a failure still works."""


def _outcome(task: Callable[[Collectives], list[Tensor]], ranks: Collectives) -> Outcome:
    try:
        return task(ranks)
    except (MemoryError, RuntimeError) as failure:
        return f"{type(failure).__name__}: {failure}"


def main(rank: int, world: int, folder: Path) -> None:
    """Join, do everything, leave."""
    store = f"file://{folder / 'store'}"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=world, timeout=timedelta(seconds=45))
    ranks = TorchCollectives()
    torch.save({name: _outcome(task, ranks) for name, task in TASKS.items()}, result_file(folder, rank))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
