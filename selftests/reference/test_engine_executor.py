"""What every executor does, seen on the one without processes; and the factory that it is given (SPEC T6)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from reference.compilation.config import CompilationConfig
from reference.engine.core import SLOWEST, EngineCore, Form, init_line
from reference.engine.errors import Cause, EngineConfigError, StartFailed, WorkerFailed
from reference.engine.executor import InProcessExecutor
from reference.engine.place import Place, WorkerFactory
from reference.engine.times import CompilationTimes
from selftests.reference.compiled_modules import VirtualClock
from selftests.reference.engine_workers import BAD_FACTORY, FACTORY


def executor(times: Sequence[Sequence[object]] = (), *, world_size: int = 1, **tricks: str) -> InProcessExecutor:
    """Scripted workers in this process."""
    planted = {name.replace("_", "-"): trick for name, trick in tricks.items()}
    factory = WorkerFactory(FACTORY, {"times": [list(pair) for pair in times], "tricks": planted})
    return InProcessExecutor(factory, config=CompilationConfig(), world_size=world_size)


def test_the_maxima_are_written_to_the_drivers_configuration() -> None:
    """Not the driver's own counters, not a sum, and each in its field (BUG-T01, BUG-T03)."""
    with executor([(1.0, 6.0), (4.0, 2.0), (3.0, 3.0)], world_size=3) as ranks:
        ranks.start()
        times = ranks.compile_or_warm_up_model()
        assert (ranks.config.compilation_time, ranks.config.encoder_compilation_time) == (4.0, 6.0)
    assert times.by_rank == ((1.0, 6.0), (4.0, 2.0), (3.0, 3.0))
    assert (times.slowest_rank, times.slowest.total) == (0, 7.0)


@pytest.mark.parametrize("world_size", [0, 1, 2])
def test_no_workers_or_no_compile_leaves_zero(world_size: int) -> None:
    """Whatever the number of ranks."""
    with executor(world_size=world_size) as ranks:
        ranks.start()
        ranks.compile_or_warm_up_model()
        assert (ranks.config.compilation_time, ranks.config.encoder_compilation_time) == (0.0, 0.0)


@pytest.mark.parametrize(("stage", "trick"), [("build", "build_1"), ("compile", "compile_1"), ("capture", "capture_1")])
def test_a_worker_that_raises_fails_the_start(stage: str, trick: str) -> None:
    """With its rank, its stage and its traceback; the counters stay zero."""
    ranks = executor([(1.0, 1.0)] * 2, world_size=2, **{trick: "raise"})
    with pytest.raises(StartFailed) as failure:
        EngineCore(ranks).start()
    (first,) = failure.value.failures
    assert (first.rank, first.stage, first.cause) == (1, stage, Cause.RAISED)
    assert first.summary == "raised ValueError: planted"
    assert "engine_workers.py" in first.traceback
    assert str(failure.value).startswith(
        f"the start of the engine failed: rank 1 raised ValueError: planted in stage '{stage}'.\nTraceback of rank 1:"
    )
    assert ranks.config.compilation_time == 0.0


def test_times_that_are_none_fail_the_start() -> None:
    """A worker that reports rubbish is named."""
    ranks = executor([(1.0, 1.0), (1.0, -2.0)], world_size=2)
    ranks.start()
    with pytest.raises(StartFailed, match="rank 1 reported no times in stage 'compile'"):
        ranks.compile_or_warm_up_model()


def test_a_call_reaches_every_rank() -> None:
    """Answers come in the order of ranks; one that raises is named, and the engine lives on."""
    with executor(world_size=3) as ranks:
        ranks.start()
        assert ranks.call("echo", "x") == [(0, "x"), (1, "x"), (2, "x")]
    with executor(world_size=2, echo_1="raise") as ranks:
        ranks.start()
        with pytest.raises(WorkerFailed, match="the call failed: rank 1 raised ValueError: planted in stage 'echo'"):
            ranks.call("echo", "x")
        assert len(ranks.call("counters")) == 2


@pytest.mark.parametrize("world_size", [-1, 1.0, True, "2"])
def test_a_number_of_ranks_that_is_none_is_refused(world_size: object) -> None:
    """With the value and the remedy."""
    with pytest.raises(EngineConfigError) as refusal:
        InProcessExecutor(WorkerFactory(FACTORY), config=CompilationConfig(), world_size=world_size)  # type: ignore[arg-type]  # tested
    assert str(refusal.value) == f"world_size={world_size!r} is no number of ranks: give a whole number from 0 up."


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere", "'nowhere' is no place of a function"),
        ("no.such.module:worker", "cannot be imported: No module named 'no'"),
        (BAD_FACTORY, "has no attribute 'nobody'"),
        ("reference.engine.place:STAGES", "is a tuple, not a function"),
    ],
)
def test_a_factory_that_cannot_be_found_is_refused(path: str, why: str) -> None:
    """With its name and the reason."""
    with pytest.raises(EngineConfigError, match=why):
        WorkerFactory(path).make(Place())


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_arguments_must_be_plain_data(value: object) -> None:
    """What cannot be written as JSON is refused where it is said; the rest comes back."""
    with pytest.raises(EngineConfigError, match="cannot be given to another process"):
        WorkerFactory(FACTORY, {"times": value})
    factory = WorkerFactory(FACTORY, {"times": [[1.0, 2.0]]})
    assert WorkerFactory.from_json(factory.as_json()) == factory


PREFIX = "init engine (profile, create kv cache, warmup model) took 12.35 s"


@pytest.mark.parametrize(
    ("times", "form", "line"),
    [
        ((1.0, 2.5), Form.SPLIT, f"{PREFIX} (compilation: 3.50 s — language_model: 1.00 s, encoder: 2.50 s)"),
        ((0.0, 2.5), Form.SPLIT, f"{PREFIX} (compilation: 2.50 s — language_model: 0.00 s, encoder: 2.50 s)"),
        ((1.0, 0.0), Form.TOTAL, f"{PREFIX} (compilation: 1.00 s)"),
        ((0.0, 0.0), Form.PLAIN, PREFIX),
    ],
)
def test_the_line_has_three_forms(times: tuple[float, float], form: Form, line: str) -> None:
    """Split when the encoder's counter is above zero, total when only the other is, plain otherwise (SPEC T7)."""
    said = init_line(12.345678, CompilationTimes(*times))
    assert (said.text, said.line) == (form.value, line)


def test_the_start_is_logged_once_and_kept_as_data(caplog: pytest.LogCaptureFixture) -> None:
    """The seconds are the clock's; a sum of maxima of two ranks is explained by a line of its own."""
    clock = VirtualClock()

    class Slow(InProcessExecutor):
        def launch(self) -> None:
            clock.work(2.0)
            super().launch()

        def in_stage(self, stage: str, method: str) -> list[object]:
            clock.work(5.0)
            return super().in_stage(stage, method)

    plain = executor([(9.0, 1.0), (2.0, 7.0)], world_size=2)
    ranks = Slow(plain.factory, config=plain.config, world_size=2)
    core = EngineCore(ranks, clock=clock)
    with caplog.at_level(logging.INFO, logger="reference.engine.core"):
        started = core.start()
    core.shutdown()
    assert (started.seconds, started.init_seconds, started.form) == (12.0, 5.0, Form.SPLIT)
    assert started is core.started
    assert [record.getMessage() for record in caplog.records] == [each.line for each in started.said]
    assert started.line.endswith("took 5.00 s (compilation: 16.00 s — language_model: 9.00 s, encoder: 7.00 s)")
    assert started.said[1].line == SLOWEST % (0, 10.0, 9.0, 1.0)


def test_one_slowest_rank_needs_no_second_line() -> None:
    """Both maxima are of one rank, so their sum is its time."""
    with executor([(1.0, 1.0), (2.0, 2.0)], world_size=2) as ranks:
        assert len(EngineCore(ranks).start().said) == 1
