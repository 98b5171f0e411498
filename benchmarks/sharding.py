"""What ranks cost: a sharded encode beside an unsharded one, and what is gathered by its bytes.

Ranks in threads share one process and its cores, so the first figures are the price of sharing out, padding, gathering
and putting back, not the gain of several devices. The second are of real processes over gloo.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

import models
from benchmarks.gathering import result_file
from benchmarks.measure import CALLS, Effort, Figures, Work
from benchmarks.pytest_run import ROOT, environment
from models.api import Grid, Item
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.sharding import ShardedEncoder
from suite.emulator.ranks import ThreadedCollectives, run_on_ranks

TOWERS = ("qwen3_vl", "toy")
RANKS = (1, 2, 4, 8)
GRIDS = (Grid(1, 8, 8), Grid(1, 4, 12), Grid(1, 8, 4), Grid(1, 6, 6)) * 2
"""Eight images in four sizes: one for each rank at most."""
TURNS = 4
"""Pairs for one of the effort's readings, of several encodes each: a single one is short."""
THREADS_LIMIT_SECONDS = 300.0

WORLDS = (2, 4)
"""Processes that gather."""
PROCESSES_LIMIT_SECONDS = 180.0

Encode: TypeAlias = Callable[[], list[Tensor]]
"""One `[tokens, width]` for each item of the batch."""


@dataclass(frozen=True)
class Reading:
    """Seconds of one batch: on the wall, and of work of the whole process, which other programs do not change."""

    wall: float
    work: float


Pair: TypeAlias = tuple[Reading, Reading]
"""Unsharded and sharded, one right after the other."""


def sharding(effort: Effort) -> Figures:
    """By tower and number of ranks, what sharding adds; by number of processes, what a gather takes."""
    return {
        "batch": [str(grid) for grid in GRIDS],
        "in_threads": {tower: {str(ranks): over(tower, ranks, effort) for ranks in RANKS} for tower in TOWERS},
        "gather_over_gloo": {str(world): gathers(world, effort.repeats) for world in WORLDS},
    }


def over(tower: str, ranks: int, effort: Effort) -> Figures:
    """Milliseconds of a batch in one rank's encoder alone and over so many ranks; ratios are medians of pairs.

    The encoder runs in eager. `work_over_unsharded` counts the time of all ranks together. It can be below 1: what an
    encoder does grows faster than its batch, and each rank has a part of one.
    """
    count = TURNS * effort.repeats

    def work(group: ThreadedCollectives) -> list[Pair]:
        return _turns(tower, group, count)

    pairs = run_on_ranks(ranks, work, deadline_seconds=THREADS_LIMIT_SECONDS).all_values()[0]
    return {
        "unsharded_milliseconds": round(statistics.median(alone.wall for alone, _ in pairs) * 1e3, 3),
        "sharded_milliseconds": round(statistics.median(together.wall for _, together in pairs) * 1e3, 3),
        "sharded_over_unsharded": round(statistics.median(two.wall / one.wall for one, two in pairs), 3),
        "work_over_unsharded": round(statistics.median(two.work / one.work for one, two in pairs), 3),
    }


def _turns(tower: str, group: Collectives, count: int) -> list[Pair]:
    """The pairs that one rank saw; the other ranks wait while the first encodes alone.

    Which half comes first changes from turn to turn: a thread that has used its turn on a busy machine is put off.
    """
    encode, encode_sharded = encoders(tower, group)
    meeting = torch.zeros(1)

    def alone() -> Reading:
        group.all_gather(meeting)
        read = _reading(encode if group.rank == 0 else _nothing, _nothing)
        group.all_gather(meeting)
        return read

    def together() -> Reading:
        # Until the last rank is done: the first to finish would leave the others' work to the next reading.
        return _reading(encode_sharded, lambda: group.all_gather(meeting))

    found = []
    for turn in range(count + 1):
        if turn % 2:
            second = together()
            found.append((alone(), second))
        else:
            found.append((alone(), together()))
    # The first turn pays for what is made on first use.
    return found[1:]


def _nothing() -> None:
    return


def _reading(encode: Work, end: Work) -> Reading:
    wall, work = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        encode()
    end()
    return Reading((time.perf_counter() - wall) / CALLS, (time.process_time() - work) / CALLS)


def encoders(tower: str, group: Collectives) -> tuple[Encode, Encode]:
    """One rank's encoder on the whole batch by itself, and the same encoder together with the other ranks."""
    items = _items(tower)
    encoder = models.build(tower)
    model = EncoderGraphModel(encoder)
    sharded = ShardedEncoder(
        model.encoder_eager_forward,
        measure=model.get_encoder_cudagraph_item_specs,
        collectives=group,
        width=encoder.family.width,
        dtype=encoder.dtype,
        device=encoder.device,
    )

    def alone() -> list[Tensor]:
        with torch.inference_mode():
            return model.encoder_eager_forward(items)

    def together() -> list[Tensor]:
        with torch.inference_mode():
            return sharded.encode(items)

    return alone, together


def _items(tower: str) -> list[Item]:
    family = models.family(tower)
    chance = torch.Generator().manual_seed(0)
    return [Item(grid, torch.randn(family.sizes.rows(grid), *family.row_shape, generator=chance)) for grid in GRIDS]


def gathers(world: int, repeats: int) -> Figures:
    """Microseconds of a gather over so many processes by bytes that each of them gives, as rank 0 sees it.

    The processes are started once for all sizes, and none is left.

    Raises:
        RuntimeError: a rank failed or did not come back in time; its last words are told.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        folder = Path(name)
        ranks: list[subprocess.Popen[str]] = []
        try:
            ranks.extend(_rank(str(rank), str(world), name, str(repeats)) for rank in range(world))
            until = time.monotonic() + PROCESSES_LIMIT_SECONDS
            said = [process.communicate(timeout=max(0.0, until - time.monotonic()))[1] for process in ranks]
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{world} ranks did not all end within {PROCESSES_LIMIT_SECONDS:g} s") from None
        finally:
            for process in ranks:
                process.kill()
                process.wait()
        for rank, process in enumerate(ranks):
            if process.returncode:
                raise RuntimeError(f"rank {rank} of {world} ended with {process.returncode}: {said[rank][-2000:]}")
        found: Figures = json.loads(result_file(folder).read_text(encoding="ascii"))
        return found


def _rank(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.gathering", *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
