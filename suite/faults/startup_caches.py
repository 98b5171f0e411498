"""Faults of the startup benchmark's phases, caches and processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reference.startup_benchmark.benchmark import COLD, FILL, WARM, Results, StartupBenchmark
from reference.startup_benchmark.facts import Facts, Wish
from reference.startup_benchmark.fresh import FreshProcess, StartTrouble
from suite.faults import injection
from suite.faults.fault import Fault


class _ColdStartsShare(StartupBenchmark):
    """One folder for all cold starts."""

    def one(self, results: Results, phase: str, filled: Path) -> None:
        if phase != COLD:
            super().one(results, phase, filled)
            return
        shared = self.folder / COLD
        shared.mkdir(exist_ok=True)
        results.starts[COLD].append(self.starts.start(self.wish, shared))


class _FillsColdOnes(StartupBenchmark):
    """Cold starts' caches are made inside of the one that is filled."""

    @contextmanager
    def cache(self, name: str) -> Iterator[Path]:
        with super().cache(name if name == FILL else f"{FILL}/{name}") as made:
            yield made

    def one(self, results: Results, phase: str, filled: Path) -> None:
        super().one(results, phase, filled)
        if phase == COLD:
            (filled / f"index-{len(results.starts[COLD])}").touch()


class _WarmStartsAreCold(StartupBenchmark):
    """Every start has an empty cache."""

    def one(self, results: Results, phase: str, filled: Path) -> None:
        if phase != WARM:
            super().one(results, phase, filled)
            return
        with self.cache(f"{WARM}-{len(results.starts[WARM])}") as empty:
            super().one(results, phase, empty)


class _FillsNothing(StartupBenchmark):
    """The first warm start fills the cache itself."""

    def steps(self) -> Iterator[tuple[str, int]]:
        return (step for step in super().steps() if step[0] != FILL)


class _RehearsesFirst(StartupBenchmark):
    """The filled cache is filled twice."""

    def steps(self) -> Iterator[tuple[str, int]]:
        for step in super().steps():
            yield from [step] * (1 + (step[0] == FILL))


class _KeepsCaches(StartupBenchmark):
    """Caches are made where nobody removes them."""

    @contextmanager
    def cache(self, name: str) -> Iterator[Path]:
        made = self.folder.with_name(f"{self.folder.name}-{name}")
        made.mkdir()
        yield made


class _KeepsAfterFailure(StartupBenchmark):
    """Caches are made elsewhere, and removed on the good way out."""

    @contextmanager
    def cache(self, name: str) -> Iterator[Path]:
        made = self.folder.with_name(f"{self.folder.name}-{name}")
        made.mkdir()
        yield made
        for path in made.iterdir():
            path.unlink()
        made.rmdir()


class _MixesPhases(StartupBenchmark):
    """Every start but the one that fills the cache counts as cold."""

    def one(self, results: Results, phase: str, filled: Path) -> None:
        super().one(results, phase, filled)
        results.starts[COLD] += results.starts[WARM]
        results.starts[WARM].clear()


class _MeasuresFilling(StartupBenchmark):
    """The start that fills the cache is measured as a warm one."""

    def one(self, results: Results, phase: str, filled: Path) -> None:
        super().one(results, phase if phase == COLD else WARM, filled)


class _SharesUsersCaches(FreshProcess):
    """Processes keep what torch compiles where the user's other programs keep it."""

    def environment(self, cache: Path) -> Mapping[str, str]:
        return dict(os.environ)


class _SharesOneCache(FreshProcess):
    """One of torch's two caches is beside the iteration's."""

    def environment(self, cache: Path) -> Mapping[str, str]:
        return {**super().environment(cache), "TRITON_CACHE_DIR": str(cache.parent / "triton")}


class _Remembers:
    """A start with a cache that was used before is not made again."""

    def __init__(self, *, module: str) -> None:
        self._fresh = FreshProcess(module=module)
        self._known: dict[Path, Facts] = {}

    def start(self, wish: Wish, cache: Path) -> Facts:
        """The first one's facts."""
        if cache not in self._known:
            self._known[cache] = self._fresh.start(wish, cache)
        return self._known[cache]


class _DeadIsDone(FreshProcess):
    """A process that leaves nothing behind took no time."""

    def start(self, wish: Wish, cache: Path) -> Facts:
        try:
            return super().start(wish, cache)
        except StartTrouble:
            return Facts(0.0, 0.0, 0.0, 0.0, 0, 0)


_TIMES = "startup/times-are-those-measured"
_STATISTICS = "startup/statistics-are-exact"
_COLD = "startup_caches/cold-caches-are-their-own"
_WARM = "startup_caches/warm-caches-are-the-filled"
_COUNT = "startup_caches/no-start-too-many"
_LEFT = "startup_caches/no-cache-is-left"
_FRESH = "startup_caches/every-start-is-a-fresh-process"
_SAID = "startup_caches/processes-tell-what-scripts-say"

FAULTS = (
    Fault(
        id="startup_caches/cold-starts-share",
        breaks="cold starts share one cache, so that only the first is cold",
        caught_by=(_COLD,),
        parts=injection.startup_command(benchmark=_ColdStartsShare),
    ),
    Fault(
        id="startup_caches/cold-starts-fill",
        breaks="cold starts leave something in the cache that is filled after them",
        caught_by=(_COLD,),
        parts=injection.startup_command(benchmark=_FillsColdOnes),
    ),
    Fault(
        id="startup_caches/warm-starts-are-cold",
        breaks="warm starts are given an empty cache",
        caught_by=(_WARM,),
        parts=injection.startup_command(benchmark=_WarmStartsAreCold),
    ),
    Fault(
        id="startup_caches/nothing-is-filled",
        breaks="the first warm start is given a cache that nobody filled",
        caught_by=(_COUNT,),
        parts=injection.startup_command(benchmark=_FillsNothing),
    ),
    Fault(
        id="startup_caches/filled-twice",
        breaks="two starts fill the cache",
        caught_by=(_COUNT,),
        parts=injection.startup_command(benchmark=_RehearsesFirst),
    ),
    Fault(
        id="startup_caches/caches-stay",
        breaks="caches are not removed",
        caught_by=(_LEFT,),
        parts=injection.startup_command(benchmark=_KeepsCaches),
    ),
    Fault(
        id="startup_caches/caches-stay-after-failure",
        breaks="a start that fails leaves its cache behind",
        caught_by=(_LEFT,),
        parts=injection.startup_command(benchmark=_KeepsAfterFailure),
    ),
    Fault(
        id="startup_caches/users-torch-caches",
        breaks="torch's caches are the user's own in every start",
        caught_by=(_FRESH,),
        parts=injection.startup(fresh=_SharesUsersCaches),
    ),
    Fault(
        id="startup_caches/one-torch-cache-outside",
        breaks="one of torch's caches is shared by all starts",
        caught_by=(_FRESH,),
        parts=injection.startup(fresh=_SharesOneCache),
    ),
    Fault(
        id="startup_caches/starts-remembered",
        breaks="warm starts are told from the start that filled their cache",
        caught_by=(
            _FRESH,
            _SAID,
        ),
        parts=injection.startup(fresh=_Remembers),
    ),
    Fault(
        id="startup_caches/dead-process-is-a-start",
        breaks="a process that dies counts as a start that took no time",
        caught_by=(_SAID,),
        parts=injection.startup(fresh=_DeadIsDone),
    ),
    Fault(
        id="startup_caches/warm-counts-as-cold",
        breaks="warm starts are measured as cold ones",
        caught_by=(
            _TIMES,
            _STATISTICS,
        ),
        parts=injection.startup_command(benchmark=_MixesPhases),
    ),
    Fault(
        id="startup_caches/filling-is-measured",
        breaks="the start that fills the cache is measured as a warm one",
        caught_by=(_TIMES,),
        parts=injection.startup_command(benchmark=_MeasuresFilling),
    ),
)
