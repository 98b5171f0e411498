"""A startup benchmark that is not the reference's: one list of measurements, one pass, no command line.

It shares no code with the reference. What it does in one line, a test may do wrongly in one line.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from models.api import Family
from selftests.house.sources import ROOT
from suite.contract.case import Setup
from suite.contract.observed_start import PlantedFailure, Script, take_part
from suite.contract.startup import Ended, ShownRow, StartFacts, ToldCounts, ToldFailure
from suite.contract.startup_case import StartupCase
from suite.contract.subject import Capabilities, Session

MEASURES = Capabilities(
    startup_benchmark=True,
    startup_metrics=("startup", "compilation", "encoder_compilation"),
    tells_compiles=True,
    keeps_failed_starts=True,
    fresh_starts=True,
    real_starts=True,
)
PARTS = {"startup": "startup", "compilation": "language_model", "encoder_compilation": "encoder"}
PERCENTS = (10, 25, 50, 75, 90, 99)
CHILD = """
import json, sys
from pathlib import Path
from suite.contract.observed_start import Script, take_part
print(json.dumps(dict(take_part(Script.from_json(sys.argv[1]), Path(sys.argv[2])))))
"""
Answer = Mapping[str, int]


class Measures:
    """One run of a benchmark."""

    def __init__(self, case: StartupCase, script: Script) -> None:
        self.case = case
        self.script = script
        self.found: list[tuple[str, Answer]] = []
        self.failed: list[ToldFailure] = []
        self.status = 0
        self.home = Path(tempfile.mkdtemp(dir=Path(script.log).parent))

    def run(self) -> Ended:
        """All starts, and what is told of them."""
        try:
            with self.cache() as filled:
                self.all_starts(filled)
        finally:
            self.tidy()
        self.write(json.dumps(self.told()))
        return self.ended()

    def all_starts(self, filled: Path) -> None:
        """In order, up to the first that goes wrong."""
        for phase, number, _ in self.case.starts():
            try:
                self.one(phase, filled)
            except (PlantedFailure, KeyboardInterrupt) as failure:
                self.fail(phase, number, failure)
                return

    def one(self, phase: str, filled: Path) -> None:
        """One start with its cache."""
        if phase == "cold":
            with self.cache() as empty:
                self.measure(phase, self.start(empty))
        else:
            self.measure(phase, self.start(filled))

    def measure(self, phase: str, answer: Answer) -> None:
        """Keeps what a start says of itself."""
        if phase != "fill":
            self.found.append((phase, answer))

    def fail(self, phase: str, number: int, failure: BaseException) -> None:
        """Keeps what went wrong."""
        self.status = 1
        if not isinstance(failure, KeyboardInterrupt):
            self.failed.append(ToldFailure(phase, number, str(failure)))

    @contextlib.contextmanager
    def cache(self) -> Iterator[Path]:
        """An empty folder."""
        made = Path(tempfile.mkdtemp(dir=self.home))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def tidy(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.home)

    def start(self, cache: Path) -> Answer:
        """One start, here or in a process."""
        if not self.case.processes:
            return take_part(self.script, cache)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, self.script.as_json(), str(cache)],
            cwd=ROOT,
            env={**os.environ, **self.environment(cache)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PlantedFailure(done.stderr)
        answer: Answer = json.loads(done.stdout)
        return answer

    def environment(self, cache: Path) -> dict[str, str]:
        """Where torch keeps what it compiles."""
        return {"TORCHINDUCTOR_CACHE_DIR": f"{cache}/one", "TRITON_CACHE_DIR": f"{cache}/other"}

    def times(self, phase: str, metric: str) -> list[float]:
        """Seconds of one metric."""
        return [answer[PARTS[metric]] / 1_000_000 for name, answer in self.found if name == phase]

    def metrics(self) -> list[str]:
        """Those that are told."""
        return [each for each in PARTS if each != "encoder_compilation" or self.has_encoder()]

    def has_encoder(self) -> bool:
        """Whether an encoder compiled."""
        return any(answer["encoder"] for _, answer in self.found)

    def each(self) -> Iterator[tuple[str, list[float]]]:
        """Key and times of all that is told."""
        for metric in self.metrics():
            for phase in ("cold", "warm"):
                if times := self.times(phase, metric):
                    yield f"{phase}_{metric}", times

    def percentile(self, times: list[float], percent: int) -> float:
        """Linear between the closest ranks, as the standard library has it."""
        both = times * (1 + (len(times) == 1))
        return statistics.quantiles(both, n=100, method="inclusive")[percent - 1]

    def told(self) -> dict[str, object]:
        """What goes into the file."""
        data: dict[str, object] = {}
        for key, times in self.each():
            data[f"avg_{key}_time"] = statistics.fmean(times)
            data[f"{key}_times"] = times
            data[f"{key}_percentiles"] = {str(percent): self.percentile(times, percent) for percent in PERCENTS}
        return data

    def write(self, text: str) -> None:
        """The file, as a whole."""
        unfinished = Path(f"{self.script.result}.part")
        unfinished.write_text(text)
        unfinished.replace(self.script.result)

    def shown(self, number: float) -> str:
        """As a person reads it."""
        return f"{number:.1f}"

    def ended(self) -> Ended:
        """What a caller sees."""
        rows = [
            ShownRow(
                key, tuple(map(self.shown, [statistics.fmean(times), *(self.percentile(times, p) for p in PERCENTS)]))
            )
            for key, times in self.each()
        ]
        failed = tuple(self.failed)
        return Ended(status=self.status, text="", rows=tuple(rows), counts=self.counts(), failures=failed, filed=failed)

    def counts(self) -> tuple[ToldCounts, ...]:
        """What was compiled."""
        phases = dict.fromkeys(phase for phase, _ in self.found)
        return tuple(
            ToldCounts(phase, tuple((each["compiles"], each["loads"]) for name, each in self.found if name == phase))
            for phase in phases
        )

    @staticmethod
    def real(cache: Path, *, encoder: bool) -> StartFacts:
        """A start of nothing, which keeps what it pretends to compile."""
        kept = cache / "kept"
        warm = kept.exists()
        kept.touch()
        part = 0.5 if encoder and not warm else 0.0
        return StartFacts(
            seconds=3.0, init=2.0, language_model=1.0, encoder=part, compiles=int(not warm), loads=int(warm)
        )


class Stranger:
    """A subject that only measures starts."""

    name = "stranger"
    version = "1"

    def __init__(self, measures: type[Measures] = Measures) -> None:
        self.capabilities = MEASURES
        self._measures = measures

    def benchmark(self, case: StartupCase, script: Script) -> Ended:
        """Its one way to measure."""
        return self._measures(case, script).run()

    def real_start(self, family: str, cache: Path, *, encoder: bool) -> StartFacts:
        """Families are nothing to it."""
        return self._measures.real(cache, encoder=encoder)

    def start(self, family: Family, setup: Setup) -> Session:
        """Not among its capabilities."""
        raise NotImplementedError

    def missing_method(self, family: Family, method: str) -> None:
        """Not among its capabilities."""
        raise NotImplementedError

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """Not among its capabilities."""
        raise NotImplementedError

    def methods(self) -> tuple[str, ...]:
        """Not among its capabilities."""
        raise NotImplementedError
