"""The manager: what it captures, where items run, what it counts, and what it holds (SPEC G3-G7)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

import models
from models.api import Capacity, Item
from models.towers import build_tower
from reference.encoder_graph.buffers import BufferMismatch
from reference.encoder_graph.manager import BudgetMemory
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.packing import Bin
from reference.encoder_graph.protocol import ModelGraphConfig
from reference.encoder_graph.statistics import Statistics
from selftests.reference.plain import PlainDevice, item, manager

SMALL, MEDIUM, LARGE = item(2, 2), item(2, 6), item(6, 6)
"""1, 3 and 9 tokens: on budgets 4 and 8 the last is oversized."""
TOY = build_tower("toy")


def _is_right(outputs: list[torch.Tensor], items: list[Item]) -> bool:
    """Whether each output is that of its item alone in eager."""
    wanted = [TOY.encode(each.pixels, each.grid) for each in items]
    return len(outputs) == len(items) and all(
        torch.allclose(one, other, atol=1e-5) for one, other in zip(outputs, wanted, strict=True)
    )


def test_every_item_is_counted_once() -> None:
    """Hits are items of replays, misses items of eager, whatever the launches."""
    device = PlainDevice()
    given = manager(device)
    given.capture()
    assert given.statistics == Statistics(0, 0, 0, (4, 8), 2)
    batch = [LARGE, SMALL, MEDIUM, MEDIUM]
    assert _is_right(given.execute(batch), batch)
    assert given.statistics == Statistics(hits=3, misses=1, replay_failures=0, budgets=(4, 8), graphs_captured=2)
    assert device.replays == 2
    assert given.execute([]) == []
    assert _is_right(given.execute([SMALL]), [SMALL])
    assert given.statistics.hits + given.statistics.misses == 5


@pytest.mark.parametrize(("hits", "misses", "rate"), [(0, 0, 0.0), (0, 3, 0.0), (3, 1, 0.75), (2, 0, 1.0)])
def test_the_hit_rate(hits: int, misses: int, rate: float) -> None:
    """The share of items that replays answered; zero before the first."""
    assert Statistics(hits, misses, 0, (4,), 1).hit_rate == rate


def test_the_plan_is_what_runs() -> None:
    """Packed replays in their smallest budgets, then what stays eager; clips go by the frame limit."""
    given = manager(encoder_cudagraph_max_frames_per_batch=2)
    given.capture()
    clip, long_clip = item(2, 2, frames=2), item(2, 2, frames=3)
    assert given.plan([LARGE, SMALL, MEDIUM]) == [Bin((1, 2), 4), Bin((0,), None)]
    assert given.plan([clip, SMALL]) == [Bin((1,), 4), Bin((0,), 4)]
    assert given.plan([long_clip]) == [Bin((0,), None)]
    assert given.plan([]) == []


def test_no_frames_means_no_clips_in_graphs() -> None:
    """Zero switches video off; it does not mean to infer."""
    given = manager(encoder_cudagraph_max_frames_per_batch=0)
    given.capture()
    assert given.plan([item(2, 2, frames=2), SMALL]) == [Bin((1,), 4), Bin((0,), None)]


def test_a_replay_that_fails_is_answered_by_eager(caplog: pytest.LogCaptureFixture) -> None:
    """Right values, one failure counted and logged, items counted as misses, and graphs as before."""
    device = PlainDevice()
    given = manager(device)
    given.capture()
    device.failing = True
    with caplog.at_level(logging.ERROR):
        assert _is_right(given.execute([SMALL, MEDIUM]), [SMALL, MEDIUM])
    assert given.statistics == Statistics(hits=0, misses=2, replay_failures=1, budgets=(4, 8), graphs_captured=2)
    assert [record.getMessage() for record in caplog.records] == ["replay of budget 4 failed; its items run in eager"]
    device.failing = False
    assert _is_right(given.execute([SMALL]), [SMALL])
    assert (given.statistics.hits, given.statistics.replay_failures) == (1, 1)


class _StatesOtherKeys(EncoderGraphModel):
    """States one buffer too many and one too few."""

    def get_encoder_cudagraph_config(self) -> ModelGraphConfig:
        facts = super().get_encoder_cudagraph_config()
        return replace(facts, buffer_keys=facts.buffer_keys - {"places"} | {"masks"})


def test_a_capture_holds_the_buffers_that_the_model_states() -> None:
    """Others are refused with both sets before anything is captured."""
    device = PlainDevice()
    given = manager(device, model=_StatesOtherKeys(models.build("toy")))
    with pytest.raises(BufferMismatch) as refusal:
        given.capture()
    rest = "'max_seqlen', 'max_window_seqlen', 'pixels'"
    assert str(refusal.value) == (
        f"the model states the buffers ['cu_seqlens', 'cu_window_seqlens', 'masks', {rest}, 'position_ids'], "
        f"but prepares ['cu_seqlens', 'cu_window_seqlens', {rest}, 'places', 'position_ids'] for a capture: "
        "buffer_keys must name exactly what the preparations return."
    )
    assert (device.alive, given.is_captured) == (0, False)


class _ForgetsKey(EncoderGraphModel):
    """Leaves a buffer out of its replays."""

    def prepare_encoder_cudagraph_replay_buffers(self, items: Sequence[Item], capacity: Capacity) -> dict[str, Tensor]:
        values = super().prepare_encoder_cudagraph_replay_buffers(items, capacity)
        return {name: value for name, value in values.items() if name != "places"}


def test_a_replay_with_other_buffers_is_a_failed_replay() -> None:
    """It is counted as every other failure of a replay, and eager answers."""
    given = manager(model=_ForgetsKey(models.build("toy")))
    given.capture()
    assert _is_right(given.execute([SMALL]), [SMALL])
    assert given.statistics == Statistics(hits=0, misses=1, replay_failures=1, budgets=(4, 8), graphs_captured=2)


def test_results_are_copies() -> None:
    """A later replay changes no earlier result."""
    given = manager()
    given.capture()
    (first,) = given.execute([MEDIUM])
    before = first.clone()
    given.execute([item(2, 8)])
    assert torch.equal(first, before)


def test_memory_is_reported_per_budget() -> None:
    """One line per budget, smallest first: the buffers' own bytes, and what the pool grew by."""
    given = manager()
    assert not given.memory
    given.capture()
    small, large = given.memory
    assert (small.budget, large.budget) == (4, 8)
    assert 0 < small.buffer_bytes < large.buffer_bytes
    assert (small.graph_bytes, large.graph_bytes) == (1000, 1000)
    values = EncoderGraphModel(models.build("toy")).prepare_encoder_cudagraph_capture_inputs(given.capacity(4))
    assert small == BudgetMemory(4, sum(value.nbytes for value in values.values()), 1000)
    given.clear()
    assert not given.memory


def test_clear_and_capture_again() -> None:
    """Cleared, everything runs in eager; captured twice, no graph is left over."""
    device = PlainDevice()
    given = manager(device)
    assert given.plan([SMALL]) == [Bin((0,), None)]
    for _ in range(2):
        given.capture()
        assert (device.alive, given.is_captured) == (2, True)
    given.clear()
    given.clear()
    assert (device.alive, given.is_captured) == (0, False)
    assert _is_right(given.execute([SMALL]), [SMALL])
    assert given.statistics.misses == 1


def test_a_capture_that_fails_leaves_nothing() -> None:
    """The exception passes, no graph is left, eager answers, and a later capture is complete."""
    device = PlainDevice(captures_left=1)
    given = manager(device)
    with pytest.raises(RuntimeError, match="out of memory"):
        given.capture()
    assert (device.alive, given.is_captured, given.memory) == (0, False, ())
    assert _is_right(given.execute([SMALL]), [SMALL])
    device.captures_left = 2
    given.capture()
    assert (device.alive, given.is_captured) == (2, True)
