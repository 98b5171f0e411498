"""The command: options in, starts made, a table on the screen, JSON in a file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from reference.startup_benchmark.benchmark import MakesStarts, Results, StartupBenchmark
from reference.startup_benchmark.fresh import FreshProcess
from reference.startup_benchmark.options import Options, parse_options
from reference.startup_benchmark.progress import ProgressBar
from reference.startup_benchmark.report import text_of, write_json

FAILED, INTERRUPTED = 1, 130


class Reporter:
    """Shows how far the benchmark is, and keeps the file of results up to date."""

    def __init__(self, options: Options, bar: ProgressBar) -> None:
        self.options = options
        self.bar = bar
        self.latest = Results()
        self._steps = 0

    def told(self, results: Results, what: str) -> None:
        """Before each start, and in the end."""
        self.latest = results
        self.save()
        self.bar.show(self._steps, what)
        self._steps += 1

    def save(self) -> None:
        """Writes what there is, if a file is wished for."""
        if self.options.output_json is not None:
            write_json(self.options.output_json, self.latest, self.options.wish)


def interrupt(*_: object) -> NoReturn:
    """What a signal that asks to end does: the way out of a Ctrl-C, which leaves no process behind."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None, *, starts: MakesStarts | None = None) -> int:
    """Runs the benchmark; the exit status: 0, 1 if a start failed, 2 for a wrong option, 130 if interrupted."""
    options = parse_options(arguments)
    bar = ProgressBar(sys.stderr, total=options.cold + options.warm + 1)
    reporter = Reporter(options, bar)
    status = 0
    with tempfile.TemporaryDirectory(prefix="lockstep-startup-") as folder:
        benchmark = StartupBenchmark(
            wish=options.wish,
            cold=options.cold,
            warm=options.warm,
            folder=Path(folder),
            starts=starts or FreshProcess(),
            told=reporter.told,
        )
        try:
            status = 0 if benchmark.run().is_complete else FAILED
        except KeyboardInterrupt:
            status = INTERRUPTED
    bar.clear()
    reporter.save()
    print(text_of(reporter.latest))
    if status == INTERRUPTED:
        print("Interrupted: what was measured before is kept.", file=sys.stderr)
    return status
