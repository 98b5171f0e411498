"""What each packer costs and saves: `python -m benchmarks.packing` prints JSON (SPEC G4).

Mixes: half common picture formats, half sizes drawn log-uniformly from 32 to 4096 tokens. The ladder is the
powers of two from 64 to 16384; a replay takes at most 8 items and costs 64 tokens besides its budget. A ratio
is the cost of a packer's plan over that of the cheapest one, found here by a dynamic program over subsets,
which shares no code with `least_cost`.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from reference.encoder_graph.packing import Limits, Load, Packer, packer, plan_cost

PACKERS = ("greedy", "deferral", "least_cost")
PIXELS_PER_TOKEN_SIDE = 28
OVERHEAD = 64
LIMITS = Limits(budgets=tuple(64 << step for step in range(9)), max_items=8)

FORMATS = (
    (448, 448),  # square input of many towers
    (512, 512),
    (640, 480),  # VGA
    (800, 600),
    (1024, 768),  # XGA; also a 4032x3024 photograph at a quarter of its side
    (1024, 1024),
    (1280, 720),  # 720p
    (1280, 960),
    (1600, 1200),
    (1920, 1080),  # 1080p
    (2016, 1512),  # a 4032x3024 photograph at half of its side
    (2048, 1536),
)
"""Width and height in pixels; each side is rounded to whole tokens, as image processors do."""

MOST_ITEMS_EXACT = 10
TIMED = {8: 200, 64: 25, 512: 4}
"""Items of a mix, and how many such mixes are timed."""


def tokens_of(width: int, height: int) -> int:
    """Output tokens of a picture."""
    return round(width / PIXELS_PER_TOKEN_SIDE) * round(height / PIXELS_PER_TOKEN_SIDE)


def draw_mix(chance: random.Random, items: int) -> list[Load]:
    """One mix of so many items."""
    low, high = math.log(32), math.log(4096)
    sizes = []
    for _ in range(items):
        if chance.random() < 0.5:
            sizes.append(tokens_of(*chance.choice(FORMATS)))
        else:
            sizes.append(round(math.exp(chance.uniform(low, high))))
    return [Load(size) for size in sizes]


def cheapest_cost(loads: Sequence[Load]) -> int:
    """Cost of the cheapest plan for a dozen items at most, each within the largest budget.

    A dynamic program over subsets: the highest item of a subset lies in some bin, and the rest is a subset.
    """
    sums, counts = [0], [0]
    for load in loads:
        sums += [tokens + load.tokens for tokens in sums]
        counts += [count + 1 for count in counts]
    price = [_bin_cost(tokens, count) for tokens, count in zip(sums, counts, strict=True)]
    best = [0] * len(sums)
    for subset in range(1, len(sums)):
        top = 1 << (subset.bit_length() - 1)
        mates = others = subset ^ top
        lowest = price[top | mates]
        while mates:
            mates = (mates - 1) & others
            lowest = min(lowest, price[top | mates] + best[others ^ mates])
        best[subset] = int(lowest)
    return best[-1]


def _bin_cost(tokens: int, count: int) -> float:
    """Cost of one bin, infinite if no graph holds it."""
    budget = LIMITS.budget_for(tokens)
    return math.inf if budget is None or count > LIMITS.max_items else budget + OVERHEAD


def seconds_of(work: Callable[[], object], repeats: int) -> float:
    """Median wall time of the call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def times(repeats: int, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """By packer and number of items: milliseconds of a call, median and worst of the mixes, and per item."""
    table: dict[str, dict[str, dict[str, float]]] = {name: {} for name in PACKERS}
    for items, mixes in TIMED.items():
        chance = random.Random(seed)
        drawn = [draw_mix(chance, items) for _ in range(mixes)]
        for name in PACKERS:
            pack = packer(name).pack
            seconds = [seconds_of(partial(pack, mix, LIMITS), repeats) for mix in drawn]
            table[name][str(items)] = {
                "milliseconds": round(statistics.median(seconds) * 1e3, 4),
                "worst_milliseconds": round(max(seconds) * 1e3, 4),
                "microseconds_per_item": round(statistics.median(seconds) * 1e6 / items, 3),
            }
    return table


def ratios(mixes: int, seed: int) -> dict[str, object]:
    """By packer: mean and worst cost over the optimum, and the share of mixes packed at the optimum."""
    chance = random.Random(seed)
    found: dict[str, list[float]] = {name: [] for name in PACKERS}
    rules: list[Packer] = [packer(name) for name in PACKERS]
    start = time.perf_counter()
    for _ in range(mixes):
        mix = draw_mix(chance, chance.randint(1, MOST_ITEMS_EXACT))
        least = cheapest_cost(mix)
        for rule in rules:
            found[rule.name].append(plan_cost(rule.pack(mix, LIMITS), overhead=OVERHEAD) / least)
    table: dict[str, object] = {
        name: {
            "mean": round(statistics.fmean(values), 5),
            "worst": round(max(values), 5),
            "optimal_share": round(values.count(1.0) / len(values), 4),
        }
        for name, values in found.items()
    }
    return {
        "mixes": mixes,
        "items": [1, MOST_ITEMS_EXACT],
        **table,
        "seconds": round(time.perf_counter() - start, 2),
    }


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.packing", description=__doc__)
    parser.add_argument("--mixes", type=int, default=1000, help="mixes compared with the optimum")
    parser.add_argument("--repeats", type=int, default=5, help="calls per timed mix; their median counts")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


def main(words: Sequence[str]) -> None:
    """Measure and print one JSON object."""
    wanted = _arguments(words)
    setting = {
        "budgets": LIMITS.budgets,
        "max_items": LIMITS.max_items,
        "overhead": OVERHEAD,
        "formats": [f"{width}x{height}" for width, height in FORMATS],
        "seed": wanted.seed,
        "repeats": wanted.repeats,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    measured = {
        "time": times(wanted.repeats, wanted.seed),
        "cost_over_optimum": ratios(wanted.mixes, wanted.seed),
    }
    print(json.dumps({"setting": setting, **measured}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
