"""One rank of a gloo group: `python -m benchmarks.gathering RANK WORLD FOLDER REPEATS` times gathers of many sizes.

The ranks find each other through a file in the folder, so no port is taken; rank 0 leaves the figures there.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import torch

from benchmarks.measure import Figures
from reference.encoder_graph.collectives import Collectives
from reference.engine.group import joined_group
from reference.engine.place import Place

SIZES = tuple(1 << power for power in range(10, 23, 2))
"""Bytes that each rank gives: 1 KiB to 4 MiB."""
WIDTH = 1024
"""Bytes of a row."""
TURNS = 5
"""Gathers for one of the repeats."""
MEETING_SECONDS = 60.0


def result_file(folder: Path) -> Path:
    """Where rank 0 leaves the figures."""
    return folder / "gathers.json"


def gather_times(group: Collectives, repeats: int) -> Figures:
    """By bytes of one rank: microseconds of a gather, the median and the least, and MiB per second of the latter.

    The least is what the bytes cost: on a busy machine a rank that is not given its turn keeps all others waiting.
    """
    return {str(size): _gather(group, size, TURNS * repeats) for size in SIZES}


def _gather(group: Collectives, size: int, count: int) -> Figures:
    rows = torch.ones(size // WIDTH, WIDTH // 4)
    meeting = torch.zeros(1)
    readings = []
    for _ in range(count + 1):
        # Ranks begin together: a wait for one that is late is no cost of the bytes.
        group.all_gather(meeting)
        started = time.perf_counter()
        group.all_gather(rows)
        readings.append(time.perf_counter() - started)
    median, least = statistics.median(readings[1:]), min(readings[1:])
    received = (group.world_size - 1) * size / 2**20
    return {
        "microseconds": round(median * 1e6, 1),
        "least_microseconds": round(least * 1e6, 1),
        "mebibytes_per_second": round(received / least, 1),
    }


def main(rank: int, world: int, folder: Path, repeats: int) -> None:
    """Join, gather, leave."""
    torch.set_num_threads(1)
    place = Place(rank=rank, world_size=world, rendezvous=f"file://{folder / 'store'}")
    group = joined_group(place, torch.device("cpu"), seconds=MEETING_SECONDS)
    try:
        found = gather_times(group.collectives, repeats)
        if rank == 0:
            result_file(folder).write_text(json.dumps(found), encoding="ascii")
    finally:
        group.leave()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
