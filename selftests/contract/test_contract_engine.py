"""The guard before an engine: one that hangs, raises or counts no seconds is told, and nothing waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from selftests.properties.engine_stranger import Stranger
from suite.contract.calls import Guard, SubjectFailed
from suite.contract.engine import StartSeen
from suite.contract.engine_case import EngineCase, EngineStart
from suite.contract.guarded_engine import GRACE_SECONDS, HERE_SECONDS, limit_of, run_engine
from suite.contract.limited import within_limit
from suite.contract.timeline import Counters

TWO = EngineCase("toy", (EngineStart(limit=5), EngineStart()))
SEEN = StartSeen(counters=Counters(1.0, 0.0), lines=())


class _Answers(Stranger):
    """Answers as it is told."""

    def __init__(self, answer: Callable[[], list[StartSeen]]) -> None:
        super().__init__()
        self._answer = answer

    def run_engine(self, case: EngineCase) -> list[StartSeen]:
        """Whatever."""
        return self._answer()


def _run(answer: Callable[[], list[StartSeen]]) -> Sequence[StartSeen]:
    return run_engine(_Answers(answer), TWO, guard=Guard(), limit_seconds=0.2)


def test_right_answers_pass() -> None:
    """As they are."""
    assert _run(lambda: [SEEN, SEEN]) == [SEEN, SEEN]


def test_an_answer_too_few_is_told() -> None:
    """With both numbers."""
    with pytest.raises(SubjectFailed, match="run_engine returned 1 answers for 2 starts"):
        _run(lambda: [SEEN])


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), None, 1])
def test_a_counter_is_a_finite_float(seconds: float) -> None:
    """Whatever else the driver's configuration says is named."""
    wrong = replace(SEEN, counters=Counters(0.0, seconds))
    with pytest.raises(SubjectFailed, match=f"after start 1 the driver's encoder counter is {seconds!r}"):
        _run(lambda: [SEEN, wrong])


def test_an_engine_that_never_starts_is_a_failure_and_no_hang() -> None:
    """Within the limit."""
    never = threading.Event()
    begun = time.monotonic()
    with pytest.raises(SubjectFailed, match=r"raised OutOfTime: the engine did not come back within 0.2 s$"):
        _run(lambda: [SEEN, SEEN] if never.wait(30) else [])
    assert time.monotonic() - begun < 10
    never.set()


def test_real_processes_have_the_time_that_their_starts_have() -> None:
    """And each some more to end; without processes nothing takes time."""
    assert limit_of(TWO) == HERE_SECONDS
    assert limit_of(replace(TWO, in_processes=True)) == 5 + TWO.starts[1].limit + 2 * GRACE_SECONDS


def test_what_a_limited_call_raises_comes_through() -> None:
    """As its own."""
    with pytest.raises(ZeroDivisionError):
        within_limit(lambda: 1 // 0, seconds=5.0, what="a division")
    assert within_limit(lambda: 4, seconds=5.0, what="a number") == 4
