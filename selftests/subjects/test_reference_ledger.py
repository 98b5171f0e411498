"""The reference under a virtual clock: its own callers run, and the process is left as it was."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from reference.compilation.compiled_forward import CompiledForward
from suite.contract.program import Mode
from suite.contract.timeline import Compile, Counters, Timeline
from suite.subjects.reference_compilation import SOUND
from suite.subjects.reference_ledger import keep_ledger

LOADED = Compile("load", "language_model", steps=(1_000_000,))
AHEAD = Compile("aot", steps=(2_000_000,), failed_load=500_000, first_run=9_000_000)
IN_TIME = Compile("jit", steps=(3_000_000,), failed_load=500_000, first_run=1_000_000)
CASE = Timeline("toy", threads=((LOADED, AHEAD, IN_TIME),))


def test_seconds_and_lines_of_all_three_paths() -> None:
    """Each path once: what is counted, and every line in full, warnings about failed loads among them."""
    ledger = keep_ledger(CASE, SOUND)
    (counters,) = ledger.counters
    assert counters.language_model == pytest.approx(1, abs=1e-9)
    assert counters.encoder == pytest.approx(6, abs=1e-9)
    assert [line for line in ledger.messages if "in total" in line] == [
        "torch.compile took 1.00 s in total",
        "torch.compile took 2.00 s in total",
        "torch.compile and initial profiling/warmup run together took 4.00 s in total",
    ]
    assert sum("scripted" in line and "damaged" in line for line in ledger.messages) == 2
    assert ledger.escaped == ()


def test_the_callers_are_the_reference_s_own() -> None:
    """Each compile makes one `CompiledForward`, which asks its tracer and opens its monitor itself."""
    made: list[CompiledForward] = []

    class Seen(CompiledForward):
        """Remembers itself."""

        def __call__(self, *args: object, **kwargs: object) -> object:
            made.append(self)
            return super().__call__(*args, **kwargs)

    keep_ledger(CASE, replace(SOUND, forward=Seen))
    counters = [each.target.services.counter for each in made]
    assert [(each.num_aot_loads, each.num_aot_compiles) for each in counters] == [(1, 0), (0, 1), (0, 0)]


@pytest.mark.parametrize("mode", ["none", "stock"])
def test_other_modes_count_and_log_nothing(mode: Mode) -> None:
    """The monitor is asked, and does nothing."""
    ledger = keep_ledger(replace(CASE, modes=(mode,)), SOUND)
    assert ledger.counters == (Counters(0.0, 0.0),)
    assert ledger.messages == ()


def test_loggers_are_left_as_they_were(caplog: pytest.LogCaptureFixture) -> None:
    """Level, handlers and propagation; and nothing of a timeline reaches another handler."""
    logger = logging.getLogger("reference")
    before = logger.level, logger.propagate, list(logger.handlers)
    with caplog.at_level(logging.DEBUG):
        keep_ledger(CASE, SOUND)
    assert (logger.level, logger.propagate, list(logger.handlers)) == before
    assert caplog.records == []
