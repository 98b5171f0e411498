"""Where sharding meets the runner: the mode, each rank's own graphs, and what stays as it was (SPEC G8, G11)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
import torch
from torch import Tensor

import models
from models.api import Item
from models.towers import build_tower
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.config import ConfigError, EncoderGraphConfig
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.statistics import Statistics
from reference.model_runner import EncoderModelRunner
from selftests.reference.plain import PlainDevice, config
from selftests.reference.sharded import batch, same
from suite.emulator.ranks import ThreadedCollectives, run_on_ranks

MIX = batch((2, 2), (6, 6), (2, 4), (2, 2), (4, 4))
"""1, 9, 2, 1 and 4 tokens: one is above the largest budget."""
DATA = config(
    encoder_cudagraph_token_budgets=[4, 8], encoder_cudagraph_max_images_per_batch=2, mm_encoder_tp_mode="data"
)


class _OneByOne(EncoderGraphModel):
    """Encodes each item alone, so that values do not depend on batch mates at all."""

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        return [output for item in items for output in super(_OneByOne, self).encoder_eager_forward([item])]


def _runner(
    wishes: EncoderGraphConfig, ranks: Collectives | None, model: EncoderGraphModel | None = None
) -> EncoderModelRunner:
    return EncoderModelRunner(models.build("toy"), config=wishes, device=PlainDevice(), collectives=ranks, model=model)


@pytest.mark.parametrize("ranks", [2, 3, 8])
def test_eager_is_bit_for_bit_that_of_one_rank(ranks: int) -> None:
    """Graphs off, each item alone: the runner without ranks and all runners of a group give the same bits."""
    off = EncoderGraphConfig(mm_encoder_tp_mode="data")
    model = _OneByOne(models.build("toy"))
    wanted = _runner(EncoderGraphConfig(), None, model).execute_mm_encoder(MIX)
    done = run_on_ranks(ranks, lambda each: _runner(off, each, model).execute_mm_encoder(MIX))
    assert all(same(outputs, wanted) for outputs in done.all_values())


def _graphed(ranks: ThreadedCollectives) -> tuple[list[Tensor], Statistics]:
    runner = _runner(DATA, ranks)
    runner.capture_model()
    outputs = runner.execute_mm_encoder(MIX)
    assert runner.execute_mm_encoder([]) == []
    assert runner.manager is not None
    return outputs, runner.manager.statistics


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_each_rank_runs_its_own_graphs(ranks: int) -> None:
    """The values of each item alone in eager; over all ranks each item is counted once; captures gather nothing."""
    done = run_on_ranks(ranks, _graphed)
    toy = build_tower("toy")
    wanted = [toy.encode(item.pixels, item.grid) for item in MIX]
    for outputs, _ in done.all_values():
        assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(outputs, wanted, strict=True))
    counts = [statistics for _, statistics in done.all_values()]
    assert sum(each.hits for each in counts) == 4
    assert sum(each.misses for each in counts) == 1
    assert [len(calls) for calls in done.calls] == [4] * ranks


def test_a_failed_replay_on_one_rank_stays_there() -> None:
    """Eager answers for its share; the group notices nothing."""

    def work(ranks: ThreadedCollectives) -> list[Tensor]:
        device = PlainDevice(failing=ranks.rank == 1)
        runner = EncoderModelRunner(models.build("toy"), config=DATA, device=device, collectives=ranks)
        runner.capture_model()
        return runner.execute_mm_encoder(MIX)

    done = run_on_ranks(3, work)
    toy = build_tower("toy")
    for outputs in done.all_values():
        for output, item in zip(outputs, MIX, strict=True):
            assert torch.allclose(output, toy.encode(item.pixels, item.grid), atol=1e-5)


def _eager(wishes: EncoderGraphConfig, ranks: ThreadedCollectives) -> list[Tensor]:
    return _runner(wishes, ranks).execute_mm_encoder(MIX)


def test_weights_mode_gathers_nothing() -> None:
    """Every rank runs every item; by default, and with one rank in the data mode too."""
    for wishes, ranks in ((EncoderGraphConfig(), 3), (EncoderGraphConfig(mm_encoder_tp_mode="data"), 1)):
        done = run_on_ranks(ranks, partial(_eager, wishes))
        assert [len(outputs) for outputs in done.all_values()] == [len(MIX)] * ranks
        assert done.calls == ((),) * ranks
    assert _runner(EncoderGraphConfig(mm_encoder_tp_mode="data"), None).sharded is None


class _Sizeless(EncoderGraphModel):
    """Cannot tell the sizes of items."""

    get_encoder_cudagraph_item_specs = None  # type: ignore[assignment]  # the method is there, but cannot be called


def test_a_model_that_cannot_tell_sizes_is_refused() -> None:
    """At construction, on every rank, with the remedy."""
    model = _Sizeless(models.build("toy"))
    done = run_on_ranks(2, lambda ranks: _runner(EncoderGraphConfig(mm_encoder_tp_mode="data"), ranks, model))
    assert all(isinstance(error, ConfigError) for error in done.errors)
    assert str(done.errors[0]) == (
        "mm_encoder_tp_mode='data': _Sizeless lacks get_encoder_cudagraph_item_specs, so items cannot be shared out "
        "by size. Give the model that method, or choose 'weights'."
    )


def test_a_bad_item_is_refused_on_every_rank() -> None:
    """Pixels that are not those of the grid, seen where sizes are taken: every rank raises, none waits."""
    bad = Item(MIX[1].grid, MIX[0].pixels)
    off = EncoderGraphConfig(mm_encoder_tp_mode="data")
    done = run_on_ranks(3, lambda each: _runner(off, each).execute_mm_encoder([MIX[0], bad]))
    assert [type(error) for error in done.errors] == [ValueError] * 3
    assert all("item 1 has 4 rows of pixels" in str(error) for error in done.errors)
