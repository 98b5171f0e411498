"""The three paths to a program, scripted under a virtual clock (SPEC T3)."""

from __future__ import annotations

import logging

import pytest
import torch

from reference.compilation.compiled_forward import AotImpossible, CompiledForward, Program
from reference.compilation.config import CompilationConfig, CompilationMode
from selftests.reference.compiled_modules import Plus, Script, VirtualClock, scripted

JIT = "torch.compile and initial profiling/warmup run together took {:.2f} s in total"
AHEAD = "torch.compile took {:.2f} s in total"
X = torch.ones(2, 4)


class Bench:
    """One scripted forward whose plain run takes 100 seconds."""

    def __init__(self, *, aot: bool = False, mode: CompilationMode = CompilationMode.FULL) -> None:
        self.clock = VirtualClock()
        self.config = CompilationConfig(aot_compile=aot, mode=mode)
        self.script = Script(on_aot=lambda: self.clock.work(3), on_jit=lambda: self.clock.work(5))
        self.forward: CompiledForward = scripted(self.config, self.script, self.clock, run=100)

    def counted(self, name: str) -> int:
        """One number of the counter."""
        return self.forward.target.services.counter.snapshot()[name]


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """With the monitor's lines."""
    caplog.set_level(logging.INFO, logger="reference.compilation")
    return caplog


def test_just_in_time_covers_compile_and_first_run_only(messages: pytest.LogCaptureFixture) -> None:
    """And says so."""
    bench = Bench()
    for _ in range(3):
        bench.forward(X)
    assert bench.config.compilation_time == 105
    assert messages.messages == [JIT.format(105)]


def test_ahead_of_time_the_first_run_is_not_compile_time(messages: pytest.LogCaptureFixture) -> None:
    """BUG-T05."""
    bench = Bench(aot=True)
    bench.forward(X)
    assert bench.config.compilation_time == 3
    assert messages.messages == [AHEAD.format(3)]
    assert bench.script.saved == ["key"]
    assert bench.counted("num_aot_compiles") == 1


def test_a_load_counts_itself_alone(messages: pytest.LogCaptureFixture) -> None:
    """Its run is outside."""
    bench = Bench(aot=True)

    def load() -> Program:
        bench.clock.work(2)
        return bench.forward.target.forward

    bench.script.on_load = load
    bench.forward(X)
    assert bench.config.compilation_time == 2
    assert messages.messages == [AHEAD.format(2)]
    assert (bench.script.saved, bench.counted("num_aot_loads")) == ([], 1)


def test_a_failed_load_counts_nothing_and_warns_once(messages: pytest.LogCaptureFixture) -> None:
    """The next path follows."""
    bench = Bench(aot=True)

    def load() -> Program:
        bench.clock.work(2)
        raise EOFError("half a file")

    bench.script.on_load = load
    bench.forward(X)
    assert bench.config.compilation_time == 3
    assert [each.levelname for each in messages.records] == ["WARNING", "INFO"]
    assert "half a file" in messages.messages[0]


def test_what_cannot_be_ahead_of_time_is_just_in_time_from_then_on(messages: pytest.LogCaptureFixture) -> None:
    """One warning, also for a second variant."""
    bench = Bench(aot=True)

    def impossible() -> None:
        bench.clock.work(3)
        raise AotImpossible("no")

    bench.script.on_aot = impossible
    bench.forward(X)
    bench.forward(X, bias=X)
    assert bench.config.compilation_time == 210
    assert [each.levelname for each in messages.records] == ["WARNING", "INFO", "INFO"]


@pytest.mark.parametrize("aot", [False, True])
def test_a_failed_compile_passes_unchanged_and_the_next_call_tries_again(aot: bool) -> None:
    """Nothing is added, nothing kept."""
    bench, error = Bench(aot=aot), ZeroDivisionError("planted")

    def fail() -> None:
        bench.clock.work(9)
        raise error

    good, bench.script.on_aot, bench.script.on_jit = Bench().script, fail, fail
    with pytest.raises(ZeroDivisionError) as caught:
        bench.forward(X)
    assert caught.value is error
    assert (bench.config.compilation_time, bench.forward.programs) == (0, {})
    bench.script.on_aot, bench.script.on_jit = good.on_aot, good.on_jit
    assert torch.equal(torch.as_tensor(bench.forward(X)), torch.as_tensor(bench.forward.target.forward(X)))


def test_none_and_a_tensor_are_two_programs() -> None:
    """BUG-C01; positions, keywords and sizes make no difference."""
    bench = Bench()
    bench.forward(X)
    bench.forward(x=torch.ones(7, 4), bias=None)
    assert len(bench.forward.programs) == 1
    bench.forward(X, X)
    bench.forward(X, bias=X)
    assert len(bench.forward.programs) == 2


@pytest.mark.parametrize("mode", [CompilationMode.NONE, CompilationMode.STOCK])
def test_other_modes_count_and_log_nothing(mode: CompilationMode, messages: pytest.LogCaptureFixture) -> None:
    """And no program is made."""
    bench = Bench(mode=mode)
    bench.forward(X)
    assert (bench.config.compilation_time, bench.forward.programs, messages.messages) == (0, {}, [])


def test_two_workers_keep_their_own_seconds() -> None:
    """Two configurations, one compile inside the other."""
    outer, inner = Bench(aot=True), Bench(aot=True)
    inner.clock = inner.forward.target.services.clock  # type: ignore[assignment]  # it is a virtual one
    shared = outer.clock
    nested = scripted(inner.config, Script(on_aot=lambda: shared.work(11)), shared, is_encoder=True)

    def work() -> None:
        shared.work(1)
        nested(X)

    outer.script.on_aot = work
    outer.forward(X)
    assert (outer.config.compilation_time, inner.config.encoder_compilation_time) == (1, 11)


def test_wrong_arguments_are_refused_before_anything_compiles() -> None:
    """SPEC D4."""
    bench = Bench()
    with pytest.raises(TypeError, match=r"Plus\.forward: argument 'x' takes a Tensor, not list"):
        bench.forward([1.0])
    assert bench.clock.now == 0
    assert Plus.__name__ == bench.forward.target.class_name
