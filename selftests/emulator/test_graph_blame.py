"""Rule R8: naming the operation that read unwritten memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from selftests.emulator.graph_programs import floats, without_lines
from suite.emulator.device import EmulatedDevice


def _padded(source: Tensor, rows: int) -> Tensor:
    padded = source.new_empty(rows, source.shape[1])
    padded[: source.shape[0]] = source
    return padded


def test_the_first_reader_is_named_with_both_lines() -> None:
    """Of all operations between the unwritten rows and the output, the first that read them."""
    device = EmulatedDevice()
    source = floats(device, 2, 2)

    def run() -> Tensor:
        padded = _padded(source, 3)
        mixed = padded.sum(dim=0)
        return mixed * 2

    graph, output = device.capture(run)
    graph.replay()
    assert output.isnan().all()
    blamed = graph.reads_poison()
    assert blamed is not None
    assert without_lines(blamed) == (
        "aten.sum.dim_IntList at <mixed = padded.sum(dim=0)> read unwritten memory: float32[3, 2], "
        "born of aten.new_empty.default at <padded = source.new_empty(rows, source.shape[1])>"
    )
    graph.replay()
    assert output.isnan().all()


def test_rows_that_are_selected_away_do_not_count() -> None:
    """`torch.where` on the unwritten row leaves nothing to report; multiplying by zero would."""
    device = EmulatedDevice()
    source = floats(device, 2, 2)
    used = torch.tensor([[True], [True], [False]])
    graph, _ = device.capture(lambda: torch.where(used, _padded(source, 3), 0.0).sum(dim=0))
    assert graph.reads_poison() is None
    multiplied, _ = device.capture(lambda: (_padded(source, 3) * used).sum(dim=0))
    blamed = multiplied.reads_poison()
    assert blamed is not None
    assert blamed.startswith("aten.mul.Tensor at ")


def test_an_output_with_unwritten_rows_is_named() -> None:
    """No operation read them, but the caller would."""
    device = EmulatedDevice()
    source = floats(device, 2, 2)
    graph, _ = device.capture(lambda: _padded(source, 3))
    assert without_lines(graph.reads_poison() or "") == (
        "the output float32[3, 2], born of aten.new_empty.default at "
        "<padded = source.new_empty(rows, source.shape[1])>, was not wholly written"
    )


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.bool])
def test_unwritten_integers_are_followed_too(dtype: torch.dtype) -> None:
    """There is no NaN among them: what differs between two fillings depends on unwritten memory."""
    device = EmulatedDevice()
    graph, _ = device.capture(lambda: torch.empty(3, dtype=dtype).long() + 1)
    assert (graph.reads_poison() or "").startswith("aten._to_copy.default at ")


def test_an_unwritten_index_is_named() -> None:
    """Such a tape cannot run to its end."""
    device = EmulatedDevice()
    table = floats(device, 4)
    graph, _ = device.capture(lambda: table[torch.empty(2, dtype=torch.int64)])
    assert (graph.reads_poison() or "").startswith("aten.index.Tensor at ")


def test_asking_changes_nothing() -> None:
    """Buffers that the tape writes, outputs and random numbers are as before."""
    device = EmulatedDevice()
    counter = floats(device, 2)
    graph, output = device.capture(lambda: counter.add_(1) + torch.rand(2))
    graph.replay()
    before, state = output.clone(), torch.get_rng_state()
    assert graph.reads_poison() is None
    assert counter.tolist() == [1, 2]
    assert torch.equal(output, before)
    assert torch.equal(torch.get_rng_state(), state)
