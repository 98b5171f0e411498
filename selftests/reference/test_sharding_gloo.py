"""The same over two real processes and gloo, started once for this file (SPEC G8)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models.towers import build_tower
from selftests.reference.gloo_rank import FEW, MIX, TASKS, Outcome, halves, result_file
from selftests.reference.sharded import folded, same

WORLD = 2
SECONDS = 50
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Outcome]]:
    """What came of every task, by rank; no process is left, whatever happens."""
    folder = tmp_path_factory.mktemp("gloo")
    command = [sys.executable, "-W", "error", "-m", "selftests.reference.gloo_rank"]
    ranks = [
        subprocess.Popen([*command, str(rank), str(WORLD), str(folder)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for rank in range(WORLD)
    ]
    try:
        said = [process.communicate(timeout=SECONDS)[1] for process in ranks]
    finally:
        for process in ranks:
            process.kill()
            process.wait()
    assert [process.returncode for process in ranks] == [0] * WORLD, "\n".join(said)[-4000:]
    return [torch.load(result_file(folder, rank), weights_only=True) for rank in range(WORLD)]


def _tensors(outcome: Outcome) -> list[torch.Tensor]:
    assert not isinstance(outcome, str), outcome
    return outcome


def test_every_rank_did_every_task(outcomes: list[dict[str, Outcome]]) -> None:
    """None is missing from what the other tests read."""
    assert [list(each) for each in outcomes] == [list(TASKS)] * WORLD


def test_sharded_is_unsharded(outcomes: list[dict[str, Outcome]]) -> None:
    """Bit for bit on both ranks: a mix, nothing, one item for two ranks, and bfloat16."""
    wanted = {
        "mix": folded(MIX),
        "nothing": [],
        "fewer than ranks": folded(FEW),
        "bfloat16": halves(MIX),
        "mix again": folded(MIX),
    }
    for each in outcomes:
        assert {name: same(_tensors(each[name]), outputs) for name, outputs in wanted.items()} == dict.fromkeys(
            wanted, True
        )


def test_a_failure_is_told(outcomes: list[dict[str, Outcome]]) -> None:
    """The rank that fails raises its own exception, the other one names it."""
    first, second = (each["rank 1 fails"] for each in outcomes)
    assert second == "MemoryError: planted"
    assert first == (
        "RankFailed: rank 1 could not encode, so no rank has outputs of this batch. rank 1: MemoryError: planted"
    )


def test_another_dtype_is_refused(outcomes: list[dict[str, Outcome]]) -> None:
    """In one sentence on both ranks."""
    first, second = (each["rank 1 differs"] for each in outcomes)
    assert first == second
    assert str(first).startswith("UnequalOutputs: rank 0: rows of 16 x torch.float32; rank 1: rows of 16 x torch.bfloa")


def test_a_runner_shards_over_its_graphs(outcomes: list[dict[str, Outcome]]) -> None:
    """The values of each item alone in eager, and the same on both ranks."""
    toy = build_tower("toy")
    first, second = (_tensors(each["runner with graphs"]) for each in outcomes)
    assert same(first, second)
    assert len(first) == len(MIX)
    for output, item in zip(first, MIX, strict=True):
        assert torch.allclose(output, toy.encode(item.pixels, item.grid), atol=1e-5)
