"""The conductor: the order of turns, the clock, what is raised, and subjects that do not come back."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from selftests.strategies.timeline_draws import draw_timelines
from suite.contract.timeline import Compile, Timeline
from suite.oracles.ledger import settle
from suite.subjects import virtual_time
from suite.subjects.virtual_time import DamagedArtifact, Perform, Stuck, VirtualClock, Work, conduct

ONE = Compile("jit", steps=(3, 4))
TWO = Compile("aot", worker=1, steps=(10, 20))
CROSSED = Timeline("toy", ("full", "full"), ((ONE,), (TWO,)), (0, 1))
FAILING = replace(ONE, fails=True)


def _honest(each: Compile, work: Work) -> None:
    """Does each part once."""
    if each.failed_load is not None:
        with contextlib.suppress(DamagedArtifact):
            work.failed_load()
    work.compile()
    work.first_run()


def _run(timeline: Timeline, perform: Perform) -> tuple[str, ...]:
    return conduct(timeline, perform, clock=VirtualClock())


def test_a_clock_is_read_exactly() -> None:
    """A reading and a difference of readings, after hours, are right to a small part of a microsecond."""
    clock = VirtualClock()
    clock.microseconds += 7_200_000_000
    before = clock()
    clock.microseconds += 1
    assert abs((clock() - before) * 1_000_000 - 1) < 0.001


def _watched(timeline: Timeline) -> list[tuple[str, int, int]]:
    """Which thread was in a monitor from when to when, in the order in which they end."""
    clock = VirtualClock()
    began = clock.microseconds
    seen: list[tuple[str, int, int]] = []

    @contextlib.contextmanager
    def timed() -> Iterator[None]:
        start = clock.microseconds - began
        try:
            yield
        finally:
            seen.append((threading.current_thread().name, start, clock.microseconds - began))

    def perform(each: Compile, work: Work) -> None:
        if each.failed_load is not None:
            with contextlib.suppress(DamagedArtifact), timed():
                work.failed_load()
        with timed():
            work.compile()
            if each.path == "jit":
                work.first_run()
        if each.path != "jit":
            work.first_run()

    conduct(timeline, perform, clock=clock)
    return seen


@pytest.mark.parametrize("strategy", ["timelines", "crowds"])
def test_the_conductor_and_the_oracle_agree(strategy: str) -> None:
    """Two programs that share no line but whose turn it is: every monitor opens and closes at the same microsecond."""
    for case in draw_timelines(strategy):
        spans = settle(case).spans
        assert [(start, end) for _, start, end in _watched(case)] == [(span.start, span.end) for span in spans]


def test_each_thread_of_a_timeline_is_a_thread() -> None:
    """Two compiles that cross are in two threads of the interpreter, one thread is in the caller's."""
    assert _watched(CROSSED) == [("timeline 0", 0, 17), ("timeline 1", 3, 37)]
    here: list[threading.Thread] = []
    _run(Timeline("toy", threads=((ONE,),)), lambda _each, _work: here.append(threading.current_thread()))
    assert here == [threading.current_thread()]


def test_a_run_repeats_itself() -> None:
    """Real threads, and yet the same order every time."""
    for case in draw_timelines("crowds", examples=10):
        assert len({str(_watched(case)) for _ in range(3)}) == 1


def test_what_is_raised_is_noted_wherever_it_arrives() -> None:
    """At the inner and at the outer compile, and the thread goes on with its next compile."""
    outer = Compile("jit", "language_model", steps=(1, replace(FAILING, caught=False), 1))
    escaped = _run(Timeline("toy", threads=((outer, FAILING),)), _honest)
    assert escaped == (
        "failure planted in thread 0, compile 0.1",
        "failure planted in thread 0, compile 0.1",
        "failure planted in thread 0, compile 1",
    )


def test_a_failure_that_is_caught_stops_there() -> None:
    """The one around it does its other steps."""
    outer = Compile("jit", "language_model", steps=(1, FAILING, 1))
    clock = VirtualClock()
    before = clock.microseconds
    assert conduct(Timeline("toy", threads=((outer,),)), _honest, clock=clock) == (
        "failure planted in thread 0, compile 0.1",
    )
    assert clock.microseconds - before == 9


@pytest.mark.parametrize(
    ("timeline", "is_interruption"),
    [
        (Timeline("toy", threads=((FAILING,),)), False),
        (Timeline("toy", threads=((replace(FAILING, path="load"),),)), True),
        (Timeline("toy", threads=((Compile("load", steps=(replace(FAILING, caught=False),)),),)), True),
        (Timeline("toy", threads=((Compile("load", steps=(FAILING,)),),)), False),
    ],
)
def test_what_ends_a_load_is_an_interruption(timeline: Timeline, *, is_interruption: bool) -> None:
    """An exception would be a damaged artifact, and another path would follow."""
    kinds = []

    def perform(_each: Compile, work: Work) -> None:
        try:
            work.compile()
        except BaseException as error:
            kinds.append(isinstance(error, Exception))
            raise

    _run(timeline, perform)
    assert set(kinds) == {not is_interruption}


def test_another_exception_is_told_by_its_type() -> None:
    """A wrapped failure, a copy of one, and an exception of the subject's own are no planted failures."""

    def wraps(_each: Compile, work: Work) -> None:
        try:
            work.compile()
        except Exception as error:
            raise type(error)(*error.args) from error

    assert _run(Timeline("toy", threads=((FAILING,),)), wraps) == (
        "PlantedFailure: failure planted in thread 0, compile 0",
    )


@pytest.mark.parametrize("threads", [((FAILING,),), ((FAILING,), (ONE,))])
def test_a_subject_that_swallows_everything_comes_to_its_end(threads: tuple[tuple[Compile, ...], ...]) -> None:
    """What does not arrive is not noted."""

    def swallows(_each: Compile, work: Work) -> None:
        with contextlib.suppress(BaseException):
            work.compile()

    assert _run(Timeline("toy", threads=threads, turns=(0, 1)), swallows) == ()


def _dies(_each: Compile, work: Work) -> None:
    work.compile()
    raise SystemExit(3)


@pytest.mark.parametrize("threads", [((ONE,),), ((ONE,), (TWO,))])
def test_a_subject_that_ends_the_interpreter_is_told(threads: tuple[tuple[Compile, ...], ...]) -> None:
    """From whichever thread, and the other threads do not stay behind."""
    before = threading.active_count()
    with pytest.raises(SystemExit):
        _run(Timeline("toy", threads=threads, turns=(0, 1)), _dies)
    assert threading.active_count() == before


def test_a_subject_with_one_lock_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for a thread that waits for its turn: an error after a short time, and no thread stays behind."""
    monkeypatch.setattr(virtual_time, "PATIENCE", 0.2)
    lock = threading.Lock()

    def serial(_each: Compile, work: Work) -> None:
        with lock:
            work.compile()

    before = threading.active_count()
    started = time.monotonic()
    with pytest.raises(Stuck, match=r"^thread 1 of the timeline did not come back within 0\.2 s"):
        _run(CROSSED, serial)
    assert time.monotonic() - started < 3
    time.sleep(0.1)
    assert threading.active_count() == before
