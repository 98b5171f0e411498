"""Rule R7: what a capture refuses, with the full text of every refusal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from selftests.emulator.graph_programs import floats, refusal, swallowed
from suite.emulator.device import EmulatedDevice

WAIT = "the host would have to wait for the device"
UNKNOWN = "its result, or the shape of its result, is known only after the device has run"
MASK = "indexing with a boolean mask has a shape that only the device knows; use torch.where"
MASKED_WRITE = "writing through a boolean mask counts the mask on the host; use torch.where or masked_fill"
REPEATS = "the total of the repeats is known only to the device; pass output_size"

Program = Callable[[Tensor], object]


def _put(x: Tensor) -> None:
    x[x > 1] = x[:2]


REFUSED: list[tuple[str, str, Program]] = [
    ("Tensor.item", WAIT, lambda x: x[0].item()),
    ("Tensor.tolist", WAIT, lambda x: x.tolist()),
    ("Tensor.numpy", WAIT, lambda x: x.numpy()),
    ("Tensor.cpu", WAIT, lambda x: x.cpu()),
    ("bool(tensor)", WAIT, lambda x: bool(x[0])),
    ("int(tensor)", WAIT, lambda x: int(x[0])),
    ("float(tensor)", WAIT, lambda x: float(x[0])),
    ("tensor as an index", WAIT, lambda x: [1, 2][x[0].int()]),
    ("formatting a tensor", WAIT, lambda x: f"{x[0]}"),
    ("repr(tensor)", WAIT, lambda x: repr(x)),
    ("Tensor.__array__", WAIT, lambda x: np.asarray(x)),
    ("value in tensor", WAIT, lambda x: 3 in x),
    ("torch.equal", WAIT, lambda x: torch.equal(x, x)),
    ("torch.allclose", WAIT, lambda x: torch.allclose(x, x)),
    ("torch.tensor_split", WAIT, lambda x: torch.tensor_split(x, x.long())),
    ("aten.nonzero.default", UNKNOWN, lambda x: x.nonzero()),
    ("aten.nonzero.default", UNKNOWN, lambda x: torch.where(x > 1)),
    ("aten._unique2.default", UNKNOWN, lambda x: x.unique()),
    ("aten.masked_select.default", UNKNOWN, lambda x: x.masked_select(x > 1)),
    ("aten.bincount.default", UNKNOWN, lambda x: x.long().bincount()),
    ("aten.index.Tensor", MASK, lambda x: x[x > 1]),
    ("aten.index_put_.default", MASKED_WRITE, _put),
    ("aten.repeat_interleave.Tensor", REPEATS, lambda x: x.repeat_interleave(x.long())),
]


@pytest.mark.parametrize("inference", [True, False], ids=["inference", "plain"])
@pytest.mark.parametrize(("operation", "reason", "program"), REFUSED, ids=[row[0] for row in REFUSED])
def test_host_synchronisations_are_refused(operation: str, reason: str, program: Program, inference: bool) -> None:
    """The message names the operation, the line and why; with and without inference mode."""
    device = EmulatedDevice()
    buffer = floats(device, 4)
    with torch.inference_mode(inference):
        text = refusal(device, lambda: program(buffer))
    head, _, tail = text.partition(" at <")
    assert head == f"HostSyncRefused: {operation}"
    assert tail.endswith(f"> is refused in a capture: {reason}")
    assert len(device.facts.refused) == 1


@pytest.mark.parametrize(("operation", "reason", "program"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_swallowed_refusal_spoils_the_capture(operation: str, reason: str, program: Program) -> None:
    """As in CUDA, a capture does not survive because model code caught the error."""
    device = EmulatedDevice()
    buffer = floats(device, 4)
    text = swallowed(device, lambda: program(buffer))
    assert "cannot be used: " in text
    assert f"{operation} at <" in text
    assert text.endswith(
        f"> is refused in a capture: {reason}. "
        "The error was swallowed, but the capture is lost all the same; remove the operation."
    )
    assert device.facts.captures_completed == 0


LEGAL: dict[str, Program] = {
    "number through a mask": lambda x: x.clone().masked_fill_(x > 1, 0.0),
    "repeats with a total": lambda x: x.repeat_interleave(torch.ones_like(x).long(), output_size=4),
    "one hot with classes": lambda x: torch.nn.functional.one_hot(x.long(), 4),
    "selection by where": lambda x: torch.where(x > 1, x, 0.0),
    "integer index": lambda x: x[x.long()],
    "shape": lambda x: x.new_zeros(len(x), x.shape[0]),
    "sort": lambda x: x.sort(descending=True).values,
    "iteration": lambda x: torch.stack([row + 1 for row in x]),
}


@pytest.mark.parametrize("inference", [True, False], ids=["inference", "plain"])
@pytest.mark.parametrize("program", LEGAL.values(), ids=LEGAL)
def test_what_cuda_records_is_recorded(program: Program, inference: bool) -> None:
    """The neighbours of refused operations that need no host: captured, replayed, equal to eager."""
    device = EmulatedDevice()
    buffer = floats(device, 4)
    with torch.inference_mode(inference):
        graph, output = device.capture(lambda: program(buffer))
        buffer.copy_(torch.tensor([3.0, 0.0, 2.0, 1.0]))
        graph.replay()
        expected = program(buffer)
    assert isinstance(output, Tensor)
    assert isinstance(expected, Tensor)
    assert torch.equal(output, expected)
    assert device.facts.refused == ()


def test_the_line_in_a_message_is_the_line_of_model_code() -> None:
    """Not the emulator's, not torch's: the innermost line outside both."""
    device = EmulatedDevice()
    buffer = floats(device, 4)

    def model() -> float:
        return torch.nn.functional.softmax(buffer, dim=0).max().item()

    with pytest.raises(RuntimeError) as caught:
        device.capture(model)
    line = model.__code__.co_firstlineno + 1
    code = "return torch.nn.functional.softmax(buffer, dim=0).max().item()"
    assert str(caught.value) == (
        f"Tensor.item at emulator/test_graph_refusals.py:{line} in model `{code}` "
        "is refused in a capture: the host would have to wait for the device"
    )


def test_a_custom_operation_is_watched_inside() -> None:
    """Its inside is not taped, but a synchronisation there is refused as it would be on CUDA."""
    device = EmulatedDevice()
    buffer = floats(device, 4)
    library = torch.library.Library("lockstep_selftest", "FRAGMENT")
    library.define("peek(Tensor x) -> Tensor")
    library.impl("peek", lambda x: x * x.max().item(), "CompositeExplicitAutograd")
    text = refusal(device, lambda: torch.ops.lockstep_selftest.peek(buffer))
    assert text.startswith("HostSyncRefused: aten.item.default at <")
