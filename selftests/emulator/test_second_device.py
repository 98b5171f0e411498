"""The device beside the CPU: what crosses the border, and when it may."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from selftests.emulator.graph_programs import floats, refusal
from suite.emulator.device import EmulatedDevice
from suite.emulator.errors import MixedDevices


@pytest.fixture
def device() -> EmulatedDevice:
    """A fresh two-device emulator."""
    return EmulatedDevice(accelerator=True)


def test_tensors_are_made_moved_and_read(device: EmulatedDevice) -> None:
    """Factories, Python data, both directions of copying, and questions by the host, outside captures."""
    made = torch.zeros(2, device=device.device) + torch.tensor([1.0, 2.0], device="emu")
    made += torch.arange(2, device="emu")
    assert made.device == torch.device("emu:0")
    assert made.tolist() == made.cpu().tolist() == [1, 3]
    assert (made.max().item(), bool(made.sum() == 4), f"{made[1]:.1f}") == (3, True, "3.0")
    assert repr(made) == "DeviceTensor([1., 3.], device='emu:0')"
    made.copy_(torch.tensor([5.0, 6.0]))
    assert torch.zeros(2).copy_(made).tolist() == [5, 6]
    assert made[made > 5].tolist() == [6]
    with pytest.raises(TypeError, match="can't convert an emu:0 tensor to numpy"):
        made.numpy()


def test_host_and_device_do_not_mix(device: EmulatedDevice) -> None:
    """Refused outside captures as well; a host scalar is allowed, as on CUDA."""
    remote = floats(device, 2)
    assert (remote + torch.tensor(1.0)).tolist() == [1, 2]
    with pytest.raises(MixedDevices, match=r"float32\[2\] is on the host, other arguments are on emu:0"):
        remote.add(torch.ones(2))


HOST = torch.tensor([1, 0])
OVER_THE_BORDER: list[tuple[str, str, Callable[[Tensor], object]]] = [
    (
        "HostCopyRefused: aten._to_copy.default",
        "is refused in a capture: it copies int64[2] from pageable host memory",
        lambda x: HOST.to(x.device),
    ),
    (
        "HostCopyRefused: a copy of int64[3]",
        "is refused in a capture: it reads pageable host memory",
        lambda x: torch.tensor([1, 2, 3], device=x.device),
    ),
    (
        "HostCopyRefused: aten.index.Tensor",
        "is refused in a capture: the host index int64[2] is copied from pageable memory",
        lambda x: x[HOST],
    ),
    (
        "HostCopyRefused: aten.copy_.default",
        "is refused in a capture: it copies int64[2] from pageable host memory",
        lambda x: x.copy_(HOST),
    ),
    (
        "HostCopyRefused: aten._to_copy.default",
        "is refused in a capture: it copies float32[2] to the host",
        lambda x: x.to("cpu"),
    ),
    (
        "MixedDevices: aten.add.Tensor",
        "is refused in a capture: int64[2] is on the host, other arguments are on emu:0",
        lambda x: x + HOST,
    ),
    (
        "HostSyncRefused: Tensor.item",
        "is refused in a capture: the host would have to wait for the device",
        lambda x: x[0].item(),
    ),
    (
        "HostSyncRefused: Tensor.cpu",
        "is refused in a capture: the host would have to wait for the device",
        lambda x: x.cpu(),
    ),
]


@pytest.mark.parametrize("inference", [True, False], ids=["inference", "plain"])
@pytest.mark.parametrize(("start", "end", "program"), OVER_THE_BORDER, ids=[row[0] for row in OVER_THE_BORDER])
def test_copies_over_the_border_are_refused_in_a_capture(
    device: EmulatedDevice, start: str, end: str, program: Callable[[Tensor], object], inference: bool
) -> None:
    """Each would be a copy of pageable memory or a wait on CUDA."""
    buffer = floats(device, 2)
    with torch.inference_mode(inference):
        text = refusal(device, lambda: program(buffer))
    assert text.startswith(f"{start} at <")
    assert text.endswith(f"> {end}")


def test_the_host_may_use_its_own_tensors_in_a_capture(device: EmulatedDevice) -> None:
    """`.item()` of a host tensor is legal there, and a host scalar is baked into its kernel (rule R6)."""
    buffer, lengths, scale = floats(device, 2), torch.tensor([3, 4]), torch.tensor(2.0)

    def run() -> Tensor:
        assert lengths.tolist() == [3, 4]
        return buffer * scale + lengths.max().item()

    graph, output = device.capture(run)
    scale.fill_(100)
    lengths.fill_(100)
    graph.replay()
    assert output.tolist() == [4, 6]
    assert device.facts.baked_numbers.count == 1


def test_a_module_is_placed_and_computes_the_same(device: EmulatedDevice) -> None:
    """Parameters stay parameters, state can be loaded, a copy is independent."""
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.GELU(), torch.nn.LayerNorm(4))
    source = torch.randn(3, 4)
    expected = module(source)
    state = copy.deepcopy(module.state_dict())
    placed = device.place(module)
    assert {parameter.device.type for parameter in placed.parameters()} == {"emu"}
    assert torch.equal(device.to_host(placed(device.place(source))), expected)
    twin = copy.deepcopy(placed)
    with torch.no_grad():
        next(twin.parameters()).zero_()
    placed.load_state_dict(state)
    assert torch.equal(device.to_host(placed(device.place(source))), expected)


def test_replaced_data_is_followed_and_noticed(device: EmulatedDevice) -> None:
    """`param.data = ...` computes with the new values, and a graph that baked the old ones says so (R2, R5)."""
    layer = device.place(torch.nn.Linear(2, 2, bias=False)).requires_grad_(False)
    source = floats(device, 1, 2)
    graph, _ = device.capture(lambda: layer(source))
    layer.weight.data = device.place(torch.full((2, 2), 3.0))
    assert layer(source).tolist() == [[3, 3]]
    with pytest.raises(RuntimeError, match=r"float32\[2, 2\], which died at .* `layer.weight.data = "):
        graph.replay()


def test_views_share_memory_across_the_border_of_a_capture(device: EmulatedDevice) -> None:
    """Views of buffers and of outputs look at the same bytes; addresses are the real ones."""
    buffer = floats(device, 2, 3)
    row = buffer[1]
    graph, output = device.capture(lambda: (buffer.t() * 2)[0])
    row.fill_(5)
    graph.replay()
    assert output.tolist() == [0, 10]
    assert row.data_ptr() == buffer.data_ptr() + 12


def test_layouts_can_be_changed_in_place(device: EmulatedDevice) -> None:
    """`unsqueeze_` and its kind change no memory."""
    buffer = floats(device, 2, 3)
    graph, output = device.capture(lambda: (buffer + 1).unsqueeze_(0).transpose_(1, 2))
    graph.replay()
    assert output.shape == (1, 3, 2)
    assert output.tolist() == [[[1, 4], [2, 5], [3, 6]]]


def test_registration_happens_once() -> None:
    """A second device in the same process is the same device; torch goes on working."""
    first, second = EmulatedDevice(accelerator=True), EmulatedDevice(accelerator=True)
    assert first.device == second.device
    torch.manual_seed(0)
    with torch.random.fork_rng():
        torch.rand(1)
