"""The command: options in, starts made, a table on the screen, JSON in a file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from reference.startup_benchmark.benchmark import MakesStarts, Results, StartupBenchmark
from reference.startup_benchmark.facts import Wish
from reference.startup_benchmark.fresh import FreshProcess
from reference.startup_benchmark.metrics import all_stats
from reference.startup_benchmark.options import Options, parse_options
from reference.startup_benchmark.progress import ProgressBar
from reference.startup_benchmark.report import Aggregates, as_data, text_of, write_json

FAILED, INTERRUPTED = 1, 130


@dataclass(frozen=True)
class CommandParts:
    """What the command measures and tells with."""

    benchmark: type[StartupBenchmark] = StartupBenchmark
    aggregate: Aggregates = all_stats
    data: Callable[[Results, Wish, Aggregates], Mapping[str, object]] = as_data
    text: Callable[[Results, Aggregates], str] = text_of
    write: Callable[[Path, Mapping[str, object]], None] = write_json


SOUND = CommandParts()


class Reporter:
    """Shows how far the benchmark is, and keeps the file of results up to date."""

    def __init__(self, options: Options, bar: ProgressBar, parts: CommandParts = SOUND) -> None:
        self.options = options
        self.bar = bar
        self.parts = parts
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
            data = self.parts.data(self.latest, self.options.wish, self.parts.aggregate)
            self.parts.write(self.options.output_json, data)

    def text(self) -> str:
        """What there is, for a screen."""
        return self.parts.text(self.latest, self.parts.aggregate)


def interrupt(*_: object) -> NoReturn:
    """What a signal that asks to end does: the way out of a Ctrl-C, which leaves no process behind."""
    raise KeyboardInterrupt


def main(
    arguments: Sequence[str] | None = None, *, starts: MakesStarts | None = None, parts: CommandParts = SOUND
) -> int:
    """Runs the benchmark; the exit status: 0, 1 if a start failed, 2 for a wrong option, 130 if interrupted."""
    options = parse_options(arguments)
    bar = ProgressBar(sys.stderr, total=options.cold + options.warm + 1)
    reporter = Reporter(options, bar, parts)
    status = 0
    with tempfile.TemporaryDirectory(prefix="lockstep-startup-") as folder:
        benchmark = parts.benchmark(
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
    print(reporter.text())
    if status == INTERRUPTED:
        print("Interrupted: what was measured before is kept.", file=sys.stderr)
    return status
