"""The startup facets of the reference as a subject: its command over scripted starts, and real starts."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reference.startup_benchmark.benchmark import MakesStarts
from reference.startup_benchmark.command import SOUND as SOUND_COMMAND
from reference.startup_benchmark.command import CommandParts, main
from reference.startup_benchmark.facts import Facts, Wish
from reference.startup_benchmark.fresh import FreshProcess, StartTrouble
from reference.startup_benchmark.options import parse_options
from reference.startup_benchmark.start import measured
from suite.contract.observed_start import PlantedFailure, Script, take_part
from suite.contract.startup import Ended, ShownRow, StartFacts, ToldCounts, ToldFailure
from suite.contract.startup_case import StartupCase

MODULE = "suite.subjects.scripted_start"
SECONDS = 20.0
"""The limit of one scripted start in a process of its own."""
INTERRUPTED = 130
"""The exit status of a program that an interrupt ends."""
METRICS = {
    "startup": "startup",
    "init engine": "init",
    "compilation": "compilation",
    "encoder compilation": "encoder_compilation",
}
"""The reference's names of metrics in its table, and the keys of SPEC T8."""
_ROW = re.compile(rf"^(Cold|Warm) ({'|'.join(METRICS)}) +(\S.*)$", re.MULTILINE)
_COUNTED = re.compile(r"^(cold|warm) starts: (.*)$", re.MULTILINE)
_COUNTS = re.compile(r"(\d+) compiled and (\d+) loaded")
_FAILURE = re.compile(r"^(cold|fill|warm) start (\d+) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class StartupParts:
    """What the reference measures its starts with."""

    command: CommandParts = SOUND_COMMAND
    fresh: Callable[..., MakesStarts] = FreshProcess
    """Called with the module that a process runs."""
    measured: Callable[[Wish, Path], Facts] = measured
    """One real start."""


SOUND = StartupParts()
"""The reference's own parts."""


def facts_of(answer: Mapping[str, int]) -> Facts:
    """What a scripted start says, as the reference's starts say it."""
    return Facts(
        seconds=answer["startup"] / 1_000_000,
        init_seconds=answer["init"] / 1_000_000,
        compilation=answer["language_model"] / 1_000_000,
        encoder_compilation=answer["encoder"] / 1_000_000,
        compiles=answer["compiles"],
        loads=answer["loads"],
    )


class _Here:
    """Makes scripted starts in this process."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def start(self, wish: Wish, cache: Path) -> Facts:
        """One start.

        Raises:
            StartTrouble: it is planned to fail.
        """
        try:
            return facts_of(take_part(self._script, cache))
        except PlantedFailure as failure:
            raise StartTrouble("raised", str(failure)) from failure


class _Elsewhere:
    """Makes scripted starts, each in the process that the reference makes for it."""

    def __init__(self, script: Script, fresh: MakesStarts) -> None:
        self._script = script
        self._fresh = fresh

    def start(self, wish: Wish, cache: Path) -> Facts:
        """One start.

        Raises:
            StartTrouble: it is planned to fail.
        """
        return self._fresh.start(replace(wish, arguments={"script": self._script.as_json()}), cache)


class Benchmarks:
    """A subject's methods about starts, over the reference's parts."""

    def __init__(self, parts: StartupParts) -> None:
        self._startup = parts

    def benchmark(self, case: StartupCase, script: Script) -> Ended:
        """The command as a user gives it, but for what a start is."""
        starts = _Elsewhere(script, self._startup.fresh(module=MODULE)) if case.processes else _Here(script)
        arguments = [f"--num-iters-cold={len(case.cold)}", f"--num-iters-warm={len(case.warm)}", "--model=toy"]
        arguments += [f"--output-json={script.result}", f"--timeout={SECONDS}"]
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                status = main(arguments, starts=starts, parts=self._startup.command)
            except KeyboardInterrupt:
                status = INTERRUPTED
        text = out.getvalue()
        return Ended(
            status=status,
            text=text,
            rows=_rows(text),
            counts=_counts(text),
            failures=_failures(text),
            filed=_filed(Path(script.result)),
        )

    def real_start(self, family: str, cache: Path, *, encoder: bool) -> StartFacts:
        """The engine of the command's own start, in one rank of this process."""
        wish = parse_options([f"--model={family}", "--compile-mm-encoder" if encoder else "--no-compile-mm-encoder"])
        facts = self._startup.measured(wish.wish, cache)
        return StartFacts(
            seconds=facts.seconds,
            init=facts.init_seconds,
            language_model=facts.compilation,
            encoder=facts.encoder_compilation,
            compiles=facts.compiles,
            loads=facts.loads,
        )


def _rows(text: str) -> tuple[ShownRow, ...]:
    return tuple(
        ShownRow(f"{phase.lower()}_{METRICS[metric]}", tuple(numbers.split()))
        for phase, metric, numbers in _ROW.findall(text)
    )


def _counts(text: str) -> tuple[ToldCounts, ...]:
    return tuple(
        ToldCounts(phase, tuple((int(compiled), int(loaded)) for compiled, loaded in _COUNTS.findall(line)))
        for phase, line in _COUNTED.findall(text)
    )


def _failures(text: str) -> tuple[ToldFailure, ...]:
    return tuple(ToldFailure(phase, int(number), reason) for phase, number, reason in _FAILURE.findall(text))


def _filed(path: Path) -> tuple[ToldFailure, ...]:
    """Nothing of a file that is no JSON: a law on the file says so."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        failures = json.loads(path.read_text(encoding="utf-8"))["failures"]
        return tuple(ToldFailure(each["phase"], each["iteration"], each["reason"]) for each in failures)
    return ()
