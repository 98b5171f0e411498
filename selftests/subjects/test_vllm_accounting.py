"""vLLM's ledger before an accounting of our own: timelines are played as they are, and everything is put back."""

from __future__ import annotations

import os
import time

import pytest
import torch

from selftests.strategies.timeline_draws import draw_timelines
from selftests.subjects.invented_accounting import CountsTwice, accounting
from suite.contract.program import COMPONENTS
from suite.contract.timeline import Compile, Ledger, Timeline
from suite.oracles.ledger import settle
from suite.oracles.readings import HALF_A_MICROSECOND, TEXTS, counted, lines, texts
from suite.strategies.timelines import TIMELINES
from suite.subjects.vllm.ledger import keep_ledger
from suite.subjects.vllm.replaced import REPLACEMENTS

SOUND = accounting()
INNER = Compile("aot", "encoder", steps=(2_000_000,))
NEST = Timeline("toy", threads=((Compile("jit", "language_model", steps=(1_000_000, INNER, 4_000_000)),),))


def _off(timeline: Timeline, ledger: Ledger) -> list[float]:
    account = settle(timeline)
    expected = [account.counter(worker, name) for worker in range(len(timeline.modes)) for name in COMPONENTS]
    return [one - other for one, other in zip(counted(ledger), expected, strict=True)]


@pytest.mark.parametrize("strategy", TIMELINES)
def test_a_sound_accounting_is_as_the_oracle_has_it(strategy: str) -> None:
    """Counters, lines and failures of every kind of timeline are the oracle's."""
    for timeline in draw_timelines(strategy, examples=12):
        ledger = keep_ledger(timeline, SOUND)
        account = settle(timeline)
        assert all(abs(each) < HALF_A_MICROSECOND for each in _off(timeline, ledger)), timeline
        assert texts(lines(ledger)) == [TEXTS[exit_.compile.path] for exit_ in account.exits], timeline
        assert list(ledger.escaped) == account.raised, timeline
        assert ledger.hashes_equal
        assert ledger.reprs_equal


def test_a_broken_accounting_is_seen() -> None:
    """Monitors that count an inner compile in the outer one too are off by its seconds."""
    assert _off(NEST, keep_ledger(NEST, SOUND)) == pytest.approx([0, 0], abs=0.01)
    assert _off(NEST, keep_ledger(NEST, accounting(CountsTwice))) == pytest.approx([2_000_000, 0], abs=0.01)


def test_no_line_is_held_back() -> None:
    """Two compiles of exactly the same seconds are two lines, also in an engine that logs a line once."""
    twice = Timeline("toy", threads=((INNER, INNER),))
    assert len(lines(keep_ledger(twice, SOUND))) == 2


def test_everything_is_put_back() -> None:
    """After a timeline that fails, names, options and variables are as they were."""
    before = [getattr(owner, name) for owner, name in SOUND.options]
    loads, once, variables = (
        torch.compiler.load_compiled_function,
        vars(SOUND.logger)["_print_info_once"],
        {**os.environ},
    )
    keep_ledger(Timeline("toy", threads=((Compile("jit", steps=(1,), fails=True),),)), SOUND)
    assert vars(SOUND.monitor)["time"] is time
    assert torch.compiler.load_compiled_function is loads
    assert vars(SOUND.logger)["_print_info_once"] is once
    assert {**os.environ} == variables
    assert [getattr(owner, name) for owner, name in SOUND.options] == before
    names = " ".join(each.name for each in REPLACEMENTS)
    for replaced in ("vllm.compilation.monitor", "load_compiled_function", "_print_info_once", "vllm.LLM"):
        assert replaced in names
