"""What the benchmark says in the end: a table for people, JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reference.startup_benchmark.benchmark import Results
from reference.startup_benchmark.facts import Facts, Wish
from reference.startup_benchmark.metrics import PERCENTILES, MetricStats, all_stats

SCHEMA = 1
Aggregates = Callable[[Mapping[str, Sequence[Facts]]], list[MetricStats]]
"""From the starts of each phase to the statistics that are shown."""


def as_data(results: Results, wish: Wish, aggregate: Aggregates = all_stats) -> dict[str, object]:
    """Everything that was measured, ready for JSON."""
    data: dict[str, object] = {
        "schema": SCHEMA,
        "arguments": dict(wish.arguments),
        "world_size": wish.world_size,
        "complete": results.is_complete,
        "failures": [vars(each) for each in results.failures],
    }
    for each in aggregate(results.starts):
        data |= each.as_data()
    data["starts"] = {phase: [each.as_data() for each in found] for phase, found in results.starts.items()}
    return data


def write_json(path: Path, data: Mapping[str, object]) -> None:
    """As a whole or not at all, so that whoever reads it meanwhile finds valid JSON.

    Raises:
        OSError: the file cannot be written.
        ValueError: a number of the data is not finite.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def text_of(results: Results, aggregate: Aggregates = all_stats) -> str:
    """The table, what was compiled, and what failed."""
    parts = [_table(aggregate(results.starts)), *_compiles(results), *_failures(results)]
    return "\n".join(part for part in parts if part)


def _table(stats: Sequence[MetricStats]) -> str:
    if not stats:
        return "No start was measured."
    head = ["seconds", "avg", *(f"p{percent}" for percent in PERCENTILES)]
    rows = [[each.name, _number(each.average), *map(_number, each.percentiles.values())] for each in stats]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return "\n".join(_row(row, widths) for row in [head, *rows])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def _number(seconds: float) -> str:
    return f"{seconds:.2f}"


def _compiles(results: Results) -> list[str]:
    return [
        f"{phase} starts: {', '.join(f'{each.compiles} compiled and {each.loads} loaded' for each in found)}"
        for phase, found in results.starts.items()
        if found
    ]


def _failures(results: Results) -> list[str]:
    said = [f"{each}. The end of its output:\n{_indented(each.output)}" for each in results.failures]
    return [*said, "What was measured before is kept."] if said else []


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in (text or "(none)").splitlines())
