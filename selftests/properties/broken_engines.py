"""Engines of the stranger's kind that do one thing wrongly, by the law that is about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from selftests.properties.engine_stranger import Engine, Pair, Process
from suite.contract.engine import StartSeen, Told
from suite.contract.engine_case import EngineCase, EngineStart, RankScript


class _Averages(Engine):
    def counted(self, pairs: Sequence[Pair]) -> Pair:
        return sum(pair[0] for pair in pairs) / len(pairs), sum(pair[1] for pair in pairs) / len(pairs)


class _CountsOtherModes(Engine):
    def reported(self, script: RankScript) -> Pair:
        return super().reported(replace(script, mode="full"))


class _KeepsMost(Engine):
    def counted(self, pairs: Sequence[Pair]) -> Pair:
        one, other = super().counted(pairs)
        return max(one, self.counters[0]), max(other, self.counters[1])


class _AlwaysSplits(Engine):
    def line(self, took: float) -> str:
        counters, self.counters = self.counters, (self.counters[0], self.counters[1] or 1e-9)
        line = super().line(took)
        self.counters = counters
        return line


class _RoundsUp(Engine):
    def line(self, took: float) -> str:
        counters = self.counters
        self.counters = (counters[0] + 0.01, counters[1]) if counters[0] else counters
        line = super().line(took)
        self.counters = counters
        return line


class _CountsBuilding(Engine):
    def took(self, start: EngineStart, wall: float) -> float:
        return wall + max((each.build for each in start.ranks), default=0) / 1e6


class _NamesFirst(Engine):
    def slowest(self, pairs: Sequence[Pair]) -> list[str]:
        return [f"slowest to compile was rank 0, with {sum(self.counters):.2f} s"]


class _SaysNothing(Engine):
    def error(self, start: EngineStart, told: Sequence[Told]) -> str:
        return "the engine did not start, see above"


class _TakesAll(Engine):
    def failures(self, start: EngineStart) -> list[Told]:
        rubbish = {rank for rank in start.troubled if (trouble := start.ranks[rank].trouble) and trouble.is_rubbish}
        return [each for each in super().failures(start) if each.rank not in rubbish]


class _LogsFirst(Engine):
    def lines_of_failure(self, start: EngineStart) -> list[str]:
        return [self.line(0.0)]


class _KeepsWorkers(Engine):
    def calls(self, rank: int, start: EngineStart) -> tuple[str, ...]:
        return super().calls(rank, start)[: 2 if start.troubled else 3]


class _RemembersFailure(Engine):
    def lines_of_failure(self, start: EngineStart) -> list[str]:
        self.counters = super().counted([self.reported(script) for script in start.ranks])
        return []

    def counted(self, pairs: Sequence[Pair]) -> Pair:
        return super().counted([*pairs, self.counters])


class _FirstProcess(Engine):
    def counted(self, pairs: Sequence[Pair]) -> Pair:
        return pairs[0]


class _BlamesAll(Engine):
    def in_processes(self, start: EngineStart) -> list[Told]:
        told = super().in_processes(start)
        return [Told(rank, told[0].stage) for rank in range(len(start.ranks))] if told else []


class _SleepsIt(Engine):
    def start(self, start: EngineStart, case: EngineCase) -> StartSeen:
        seen = super().start(start, case)
        return replace(seen, seconds=seen.seconds + start.limit) if seen.error else seen


class _EndsLeaders(Engine):
    def ended(self, processes: Sequence[Process]) -> None:
        for each in processes:
            each.popen.kill()
            each.popen.wait()


BROKEN_ENGINES: dict[str, type[Engine]] = {
    "engine/counters-are-maxima": _Averages,
    "engine/ranks-report-their-own": _CountsOtherModes,
    "engine/no-compile-leaves-zero": _KeepsMost,
    "engine/one-line-in-its-form": _AlwaysSplits,
    "engine/line-adds-up": _RoundsUp,
    "engine/line-tells-the-wall-time": _CountsBuilding,
    "engine/slowest-rank-is-told": _NamesFirst,
    "engine/failure-is-told": _SaysNothing,
    "engine/rubbish-is-refused": _TakesAll,
    "engine/failure-leaves-no-trace": _LogsFirst,
    "engine/workers-are-let-go": _KeepsWorkers,
    "engine/next-start-is-right": _RemembersFailure,
    "engine_processes/counts-and-tells-alike": _FirstProcess,
    "engine_processes/lost-worker-is-told": _BlamesAll,
    "engine_processes/failure-comes-in-time": _SleepsIt,
    "engine_processes/no-process-stays": _EndsLeaders,
}
"""By law: an engine that does the one thing wrongly that the law is about."""
