"""The monitor: which seconds are counted, where, and what is logged (SPEC T2, T9)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import cast

import pytest

from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.monitor import Clock, monitor_torch_compile
from selftests.reference.compiled_modules import VirtualClock

LOGGER = "reference.compilation.monitor"


def seconds(config: CompilationConfig) -> tuple[float, float]:
    """Language model and encoder."""
    return config.compilation_time, config.encoder_compilation_time


def test_seconds_go_to_one_counter_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """The line says what was added."""
    config, clock = CompilationConfig(), VirtualClock()
    with caplog.at_level(logging.INFO, logger=LOGGER):
        with monitor_torch_compile(config, clock=clock):
            clock.work(2)
        with monitor_torch_compile(config, "encoder %.2f", is_encoder=True, clock=clock):
            clock.work(3)
    assert seconds(config) == (2, 3)
    assert caplog.messages == ["torch.compile took 2.00 s in total", "encoder 3.00"]


@pytest.mark.parametrize("mode", [CompilationMode.NONE, CompilationMode.STOCK])
def test_other_modes_add_and_log_nothing(mode: CompilationMode, caplog: pytest.LogCaptureFixture) -> None:
    """SPEC T2; inside another monitor their seconds are not the other's either (SPEC T9)."""
    quiet, full, clock = CompilationConfig(mode=mode), CompilationConfig(), VirtualClock()
    with caplog.at_level(logging.INFO, logger=LOGGER), monitor_torch_compile(full, clock=clock):
        clock.work(1)
        with monitor_torch_compile(quiet, clock=clock):
            clock.work(5)
    assert (seconds(quiet), seconds(full)) == ((0, 0), (1, 0))
    assert caplog.messages == ["torch.compile took 1.00 s in total"]


def compile_for(duration: float, config: CompilationConfig, clock: VirtualClock, error: BaseException) -> None:
    """An encoder's compile that fails after so many seconds."""
    with monitor_torch_compile(config, is_encoder=True, clock=clock):
        clock.work(duration)
        raise error


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, StopIteration, GeneratorExit])
def test_what_raised_counts_nowhere_and_passes_unchanged(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in its own counter nor in the one around it."""
    config, clock, error = CompilationConfig(), VirtualClock(), kind("planted")
    with caplog.at_level(logging.INFO, logger=LOGGER), monitor_torch_compile(config, clock=clock):
        clock.work(1)
        with pytest.raises(kind) as caught:
            compile_for(7, config, clock, error)
        clock.work(2)
    assert caught.value is error
    assert error.__cause__ is error.__context__ is None
    assert seconds(config) == (3, 0)
    assert len(caplog.messages) == 1


def test_a_success_inside_a_failure_still_counts() -> None:
    """It exited normally."""
    config, clock = CompilationConfig(), VirtualClock()

    def outer() -> None:
        with monitor_torch_compile(config, clock=clock):
            with monitor_torch_compile(config, is_encoder=True, clock=clock):
                clock.work(4)
            raise ValueError("outer")

    with pytest.raises(ValueError, match="outer"):
        outer()
    assert seconds(config) == (0, 4)


def test_three_deep_each_second_is_the_innermost_ones() -> None:
    """SPEC T9: the sum of the counters is the time."""
    config, other, clock = CompilationConfig(), CompilationConfig(), VirtualClock()
    with monitor_torch_compile(config, clock=clock):
        clock.work(1)
        with monitor_torch_compile(config, is_encoder=True, clock=clock):
            clock.work(2)
            with monitor_torch_compile(other, clock=clock):
                clock.work(4)
            clock.work(8)
    assert (seconds(config), seconds(other)) == ((1, 10), (4, 0))


def test_threads_do_not_take_from_each_other() -> None:
    """A monitor in another thread is not nested, whatever the clock says, and no addition is lost."""
    config, clock = CompilationConfig(), VirtualClock()

    def compile_elsewhere() -> None:
        for _ in range(200):
            with monitor_torch_compile(config, is_encoder=True, clock=cast(Clock, iter(range(2)).__next__)):
                pass

    with monitor_torch_compile(config, clock=clock):
        clock.work(1)
        threads = [threading.Thread(target=compile_elsewhere) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seconds(config) == (1, 800)


@pytest.mark.parametrize("fails", [False, True])
def test_the_debug_dump_is_closed_on_every_path(fails: bool) -> None:
    """And only full mode opens it."""
    told: list[str] = []

    @contextmanager
    def dump(path: Path) -> Iterator[None]:
        told.append(f"open {path}")
        try:
            yield
        finally:
            told.append("closed")

    config = CompilationConfig(debug_dump_path=Path("dumps"))
    outcome = pytest.raises(ValueError, match="planted") if fails else nullcontext()
    with outcome, monitor_torch_compile(config, dump=dump):
        if fails:
            raise ValueError("planted")
    with monitor_torch_compile(CompilationConfig(mode=CompilationMode.NONE, debug_dump_path=Path("d")), dump=dump):
        pass
    assert told == ["open dumps", "closed"]


def test_a_dump_that_cannot_be_closed_hides_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The body's exception passes; the dump's own failure is one warning."""

    class Stuck(AbstractContextManager[None]):
        def __exit__(self, *_: object) -> None:
            raise OSError("disk full")

    config = CompilationConfig(debug_dump_path=Path("dumps"))
    with pytest.raises(ValueError, match="planted"), monitor_torch_compile(config, dump=lambda _: Stuck()):
        raise ValueError("planted")
    assert [each.levelname for each in caplog.records] == ["WARNING"]
