"""False alarms: the laws without faults on the clean reference, again and again with other seeds.

`python -m benchmarks.seeds` runs profile `seeds` once per seed, keeps each run's records below
`reports/out/seeds/<seed>/` and prints one JSON object. Exit status 0 if every run held everything, 1 if not,
2 for a bad request. A run that overruns its limit is stopped, and is unknown.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.alarms import Judged, judged
from benchmarks.measure import Figures, at_most
from benchmarks.pytest_run import Run, run_suite

SEEDS = "0-19"
TARGET_SECONDS = 45.0
"""A run, at most: 20 of them in 15 minutes on 2 cores."""
LIMIT_SECONDS = 300
"""After this long a run is stopped. Far above the target, since a busy machine is no finding."""
FOLDER = Path("reports/out/seeds")
NOT_HELD = 1
BAD_REQUEST = 2
MOST_SEEDS = 1000
MOST_SECONDS = 86_400

Runner = Callable[[int], Run]


class BadRequest(ValueError):
    """An option cannot be met: the text says what can."""


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds of a list of numbers and ranges: `0-19`, or `3,7,10-12`; each once, in the order given.

    Raises:
        BadRequest: it is not such a list, a range runs backwards, or there are too many.
    """
    seeds: dict[int, None] = {}
    for part in map(str.strip, text.split(",")):
        found = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part)
        if found is None:
            raise BadRequest(f"--seeds {text!r}: {part!r} is no seed; give numbers and ranges, such as 0-19 or 3,7")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise BadRequest(f"--seeds {text!r}: {part} runs backwards; give the smaller number first")
        # Bounded before the range is spelt out, so that a slip of the finger takes no memory.
        seeds.update(dict.fromkeys(range(first, min(last, first + MOST_SEEDS) + 1)))
        if len(seeds) > MOST_SEEDS:
            raise BadRequest(f"--seeds {text!r}: more than {MOST_SEEDS} seeds; give fewer")
    return tuple(seeds)


def whole_number(option: str, text: str, *, most: int) -> int:
    """The number behind an option.

    Raises:
        BadRequest: it is none, or not from 1 to `most`.
    """
    if re.fullmatch("[0-9]{1,9}", text) is None or not 1 <= int(text) <= most:
        raise BadRequest(f"{option} {text!r}: give a whole number from 1 to {most}")
    return int(text)


def run_seeds(seeds: Sequence[int], runner: Runner) -> list[Judged]:
    """Runs one seed after the other, with a line of progress for each."""
    runs: list[Judged] = []
    for number, seed in enumerate(seeds, start=1):
        found = judged(runner(seed), seed=seed)
        laws = f"{found.laws_held} of {found.laws} laws hold, {found.cases} cases"
        text = f"seed {seed}: {found.verdict}: {laws}, {found.seconds} s ({number} of {len(seeds)})"
        print(text, file=sys.stderr, flush=True)
        runs.append(found)
    return runs


def summary_of(runs: Sequence[Judged]) -> Figures:
    """The printed object."""
    verdicts = [run.verdict for run in runs]
    wall = round(sum(run.seconds for run in runs), 1)
    return {
        "runs": len(runs),
        **{verdict: verdicts.count(verdict) for verdict in ("holds", "violated", "unknown")},
        "laws": max((run.laws for run in runs), default=0),
        "cases": sum(run.cases for run in runs),
        "false_alarms": sum(len(run.false_alarms) for run in runs),
        "wall_seconds": at_most(wall, TARGET_SECONDS * len(runs)),
        "cpu_seconds": round(sum(run.cpu_seconds for run in runs), 1),
        "by_seed": [asdict(run) for run in runs],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=(__doc__ or "").split("\n")[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seeds", default=SEEDS, metavar="LIST", help=f"numbers and ranges, such as 3,7 ({SEEDS})")
    which.add_argument("--count", metavar="N", help="the first N seeds")
    limit = f"stop a run after so long ({LIMIT_SECONDS})"
    parser.add_argument("--limit", default=str(LIMIT_SECONDS), metavar="SECONDS", help=limit)
    return parser


def requested(arguments: Sequence[str] | None) -> tuple[tuple[int, ...], int]:
    """Seeds, and seconds after which a run is stopped.

    Raises:
        BadRequest: a value that is not valid.
    """
    options = _parser().parse_args(arguments)
    limit = whole_number("--limit", options.limit, most=MOST_SECONDS)
    if options.count is None:
        return seeds_of(options.seeds), limit
    return tuple(range(whole_number("--count", options.count, most=MOST_SEEDS))), limit


def run_seed(seed: int, *, limit_seconds: float) -> Run:
    """One run of the suite under that seed."""
    options = ("-n", "auto", "--profile", "seeds", "--seed", str(seed))
    return run_suite(*options, report_dir=FOLDER / str(seed), limit_seconds=limit_seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the seeds, prints the JSON, and returns the exit status."""
    try:
        seeds, limit = requested(arguments)
    except BadRequest as error:
        print(f"python -m benchmarks.seeds: {error}", file=sys.stderr)
        return BAD_REQUEST
    found = summary_of(run_seeds(seeds, lambda seed: run_seed(seed, limit_seconds=limit)))
    print(json.dumps(found, indent=2))
    return 0 if found["holds"] == found["runs"] else NOT_HELD


if __name__ == "__main__":
    # An exception, so that a run under way ends with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
