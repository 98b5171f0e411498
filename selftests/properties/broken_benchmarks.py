"""Startup benchmarks that each do one thing wrongly, by the law that must see it."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from selftests.properties.measuring_stranger import Answer, Measures
from suite.contract.observed_start import PlantedFailure, take_part
from suite.contract.startup import StartFacts, ToldCounts


class _ColdDecides(Measures):
    def has_encoder(self) -> bool:
        return any(answer["encoder"] for phase, answer in self.found if phase == "cold")


class _NoWarmAverage(Measures):
    def told(self) -> dict[str, object]:
        return {name: value for name, value in super().told().items() if name != "avg_warm_startup_time"}


class _TimesInMilliseconds(Measures):
    def told(self) -> dict[str, object]:
        data = super().told()
        return {**data, "cold_startup_times": [1000 * time for time in self.times("cold", "startup")]}


class _Exclusive(Measures):
    def percentile(self, times: list[float], percent: int) -> float:
        return statistics.quantiles(times, n=100)[percent - 1] if len(times) > 1 else times[0]


class _CutsOff(Measures):
    def shown(self, number: float) -> str:
        return f"{number - 0.05:.1f}" if number > 0.1 else super().shown(number)


class _StopsCounting(Measures):
    def counts(self) -> tuple[ToldCounts, ...]:
        return tuple(replace(each, counts=each.counts[:1]) for each in super().counts())


class _WritesAsItGoes(Measures):
    def measure(self, phase: str, answer: Answer) -> None:
        super().measure(phase, answer)
        with Path(self.script.result).open("a") as file:
            file.write("{")


class _WritesInPlace(Measures):
    def all_starts(self, filled: Path) -> None:
        self.write("{}")
        super().all_starts(filled)

    def write(self, text: str) -> None:
        Path(self.script.result).write_text(text)


class _LosesThePhase(Measures):
    def fail(self, phase: str, number: int, failure: BaseException) -> None:
        super().fail(phase, number, failure)
        self.found = [each for each in self.found if each[0] != phase]


class _Numbers(Measures):
    def fail(self, phase: str, number: int, failure: BaseException) -> None:
        super().fail(phase, len(self.found), failure)


class _OneCache(Measures):
    @contextmanager
    def cache(self) -> Iterator[Path]:
        made = self.home / "cache"
        made.mkdir(exist_ok=True)
        yield made


class _EmptiesTheCache(Measures):
    def start(self, cache: Path) -> Answer:
        for mark in cache.iterdir():
            mark.unlink()
        return super().start(cache)


class _TriesAgain(Measures):
    def all_starts(self, filled: Path) -> None:
        super().all_starts(filled)
        with contextlib.suppress(PlantedFailure):
            take_part(self.script, filled)


class _LeavesTheLast(Measures):
    @contextmanager
    def cache(self) -> Iterator[Path]:
        made = Path(tempfile.mkdtemp(dir=self.home))
        yield made
        shutil.rmtree(made)

    def tidy(self) -> None:
        if not self.status:
            super().tidy()


class _OutOfTheCache(Measures):
    def environment(self, cache: Path) -> dict[str, str]:
        return {**super().environment(cache), "TRITON_CACHE_DIR": f"{cache}-triton"}


class _Deaf(Measures):
    def start(self, cache: Path) -> Answer:
        answer = super().start(cache)
        return {**answer, "startup": answer["startup"] + 1}


class _NeverWarm(Measures):
    @staticmethod
    def real(cache: Path, *, encoder: bool) -> StartFacts:
        return replace(Measures.real(cache, encoder=encoder), compiles=1)


class _EncoderForAll(Measures):
    @staticmethod
    def real(cache: Path, *, encoder: bool) -> StartFacts:
        return replace(Measures.real(cache, encoder=encoder), encoder=0.5)


BROKEN_BENCHMARKS: dict[str, type[Measures]] = {
    "startup/encoder-metric-iff-seconds": _ColdDecides,
    "startup/file-has-the-three-entries": _NoWarmAverage,
    "startup/times-are-those-measured": _TimesInMilliseconds,
    "startup/statistics-are-exact": _Exclusive,
    "startup/text-agrees-with-file": _CutsOff,
    "startup/compiles-are-told": _StopsCounting,
    "startup/file-is-whole-at-any-time": _WritesAsItGoes,
    "startup/failed-write-spoils-nothing": _WritesInPlace,
    "startup/failure-keeps-measurements": _LosesThePhase,
    "startup/failure-is-told": _Numbers,
    "startup_caches/cold-caches-are-their-own": _OneCache,
    "startup_caches/warm-caches-are-the-filled": _EmptiesTheCache,
    "startup_caches/no-start-too-many": _TriesAgain,
    "startup_caches/no-cache-is-left": _LeavesTheLast,
    "startup_caches/every-start-is-a-fresh-process": _OutOfTheCache,
    "startup_caches/processes-tell-what-scripts-say": _Deaf,
    "real_starts/cold-compiles-and-warm-loads": _NeverWarm,
    "real_starts/encoder-is-counted-as-asked": _EncoderForAll,
}
"""By law: a benchmark that does the one thing wrongly that the law is about."""
