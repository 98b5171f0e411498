"""What it costs: `python -m benchmarks [SECTION ...]` prints one JSON object; targets stand beside the figures.

Exit status 0 whatever the figures are; 2 for a bad request, with one sentence that names the remedy.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Callable, Sequence

import torch

from benchmarks import packing as packers
from benchmarks.compile import compile_
from benchmarks.emulator import emulator
from benchmarks.laws import laws
from benchmarks.measure import Effort, Figures
from benchmarks.memory import memory
from benchmarks.seeds import BadRequest, whole_number
from benchmarks.sharding import sharding
from benchmarks.wall import suite

BAD_REQUEST = 2
REPEATS = 5
MIXES_PER_REPEAT = 50


def packing(effort: Effort) -> Figures:
    """As `python -m benchmarks.packing`, on fewer mixes."""
    return {
        "time": packers.times(effort.repeats, 0),
        "cost_over_optimum": packers.ratios(MIXES_PER_REPEAT * effort.repeats, 0),
    }


SECTIONS: dict[str, Callable[[Effort], Figures]] = {
    "emulator": emulator,
    "packing": packing,
    "compile": compile_,
    "sharding": sharding,
    "laws": laws,
    "suite": suite,
    "memory": lambda _: memory(),
}


def sections_of(names: Sequence[str]) -> tuple[str, ...]:
    """The sections of those names, each once; all of them for none.

    Raises:
        BadRequest: there is no such section.
    """
    for name in names:
        if name not in SECTIONS:
            raise BadRequest(f"no section {name!r}: choose from {', '.join(SECTIONS)}, or give none for all")
    return tuple(dict.fromkeys(names)) or tuple(SECTIONS)


def measured(names: Sequence[str], effort: Effort) -> Figures:
    """The printed object, measured section by section."""
    found: Figures = {"setting": _setting(effort)}
    for name in names:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        found[name] = SECTIONS[name](effort)
    return found


def _setting(effort: Effort) -> Figures:
    return {
        "repeats": effort.repeats,
        "full": effort.full,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What it costs, as one JSON object.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; none: all")
    parser.add_argument("--full", action="store_true", help="also what takes minutes: premerge, one worker and two")
    parser.add_argument("--repeats", default=str(REPEATS), metavar="N", help=f"readings per median ({REPEATS})")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the JSON, and returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        names = sections_of(options.sections)
        repeats = whole_number("--repeats", options.repeats, most=1000)
    except BadRequest as error:
        print(f"python -m benchmarks: {error}", file=sys.stderr)
        return BAD_REQUEST
    torch.set_num_threads(1)
    print(json.dumps(measured(names, Effort(repeats, full=options.full)), indent=2))
    return 0


if __name__ == "__main__":
    # An exception, so that a run under way ends with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
