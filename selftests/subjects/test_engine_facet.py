"""The facet of the reference's engine: what is noted is what happened, here and in processes."""

from __future__ import annotations

import multiprocessing

import pytest

from reference.compilation.config import CompilationConfig
from reference.engine.executor import InProcessExecutor
from suite.contract.engine import PLANTED_FRAME, PLANTED_TEXT, RankSeen, StartSeen, Told
from suite.contract.engine_case import EngineCase, EngineStage, EngineStart, RankCompile, RankScript, Trouble
from suite.contract.timeline import Counters
from suite.subjects.reference import ReferenceSubject
from suite.subjects.reference_engine import EngineParts
from suite.subjects.reference_parts import Parts
from suite.subjects.scripted_worker import REPORTS

FIRST = RankScript((RankCompile("encoder", 3_000_000), RankCompile("language_model", 1_000_000, "capture")), 5, 20_000)
SECOND = RankScript((RankCompile("language_model", 2_000_000),))
ASKED = ("build", "compile_or_warm_up_model", "shutdown")


def _seen(*ranks: RankScript, in_processes: bool = False, parts: Parts | None = None) -> StartSeen:
    case = EngineCase("toy", (EngineStart(ranks),), in_processes=in_processes)
    (seen,) = ReferenceSubject(parts=parts).run_engine(case)
    return seen


def _plus(script: RankScript, what: Trouble) -> RankScript:
    return RankScript(script.compiles, script.build, script.other, script.mode, what)


def test_workers_are_watched() -> None:
    """When each was asked, when it answered, and what it reported; models are built before."""
    seen = _seen(FIRST, SECOND)
    assert seen.counters == Counters(2.0, 3.0)
    first, second = seen.ranks
    assert (first.calls, second.calls) == (ASKED, ASKED)
    assert first.asked == pytest.approx(86_400.000005)
    assert first.answered == second.asked == pytest.approx(86_404.020005)
    assert (first.reported, second.reported) == (pytest.approx((1.0, 3.0)), pytest.approx((2.0, 0.0)))
    (line,) = (line for line in seen.lines if "init engine" in line)
    assert line.endswith("took 6.02 s (compilation: 5.00 s — language_model: 2.00 s, encoder: 3.00 s)")


def test_other_modes_take_their_time_and_count_nothing() -> None:
    """As a worker without compiling would."""
    seen = _seen(RankScript(SECOND.compiles, mode="none"))
    (rank,) = seen.ranks
    assert rank.reported == (0.0, 0.0)
    assert rank.answered == pytest.approx((rank.asked or 0.0) + 2.0)


@pytest.mark.parametrize("stage", ["build", "compile", "capture"])
@pytest.mark.parametrize("in_processes", [False, True], ids=["here", "in processes"])
def test_a_planted_exception_is_told_where_it_is(stage: EngineStage, in_processes: bool) -> None:
    """With the rank, the stage, the text and the frame that raised; the engine logs nothing of a start."""
    seen = _seen(FIRST, _plus(SECOND, Trouble("raises", stage)), in_processes=in_processes)
    assert seen.told == (Told(1, stage),)
    assert PLANTED_TEXT in (seen.error or "")
    assert f"in {PLANTED_FRAME}" in (seen.error or "")
    assert (seen.counters, [line for line in seen.lines if "init engine" in line]) == (Counters(0.0, 0.0), [])


@pytest.mark.parametrize("what", REPORTS)
def test_rubbish_is_what_the_executor_gets(what: str) -> None:
    """The worker did its work."""
    trouble = Trouble(what)  # type: ignore[arg-type]  # the table's names are those of the contract
    seen = _seen(_plus(FIRST, trouble))
    assert seen.error is not None
    assert seen.ranks[0].reported is REPORTS[what]
    assert seen.ranks[0].calls == ASKED


def test_processes_report_and_are_gone() -> None:
    """Nothing is noted of what they were asked."""
    seen = _seen(FIRST, SECOND, in_processes=True)
    assert (seen.counters, seen.ranks, seen.error) == (Counters(2.0, 3.0), (), None)
    assert multiprocessing.active_children() == []


class _NeverAsks(InProcessExecutor):
    def compile_or_warm_up_model(self) -> object:  # type: ignore[override]  # the executor of a test
        return self.times


def test_a_worker_that_is_never_asked_says_so() -> None:
    """No reading, no report."""
    seen = _seen(FIRST, parts=Parts(engine=EngineParts(executor=_NeverAsks)))
    assert seen.ranks == (RankSeen(calls=("build", "shutdown")),)


def test_the_drivers_configuration_is_one_for_all_starts() -> None:
    """A start that compiles nothing writes zero over it; workers have others."""
    made: list[CompilationConfig] = []

    def own(driver: CompilationConfig, _mode: str) -> CompilationConfig:
        made.append(driver)
        return CompilationConfig()

    case = EngineCase("toy", (EngineStart((FIRST,)), EngineStart((RankScript(),))))
    first, second = ReferenceSubject(parts=Parts(engine=EngineParts(own_config=own))).run_engine(case)
    assert (first.counters, second.counters) == (Counters(1.0, 3.0), Counters(0.0, 0.0))
    assert made[0] is made[1]
