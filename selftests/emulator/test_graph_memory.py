"""Rules R1-R5, R8 and R11: what a capture does to memory."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import Tensor

from selftests.emulator.graph_programs import floats, without_lines
from suite.emulator.device import EmulatedDevice
from suite.emulator.errors import DeadMemoryRead, GraphDestroyed, ReplayFailed
from suite.emulator.poison import poison_value

DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.bool]


@pytest.fixture
def device() -> EmulatedDevice:
    """A fresh single-device emulator."""
    return EmulatedDevice()


def test_r1_outputs_are_poison_until_the_first_replay(device: EmulatedDevice) -> None:
    """A capture records and does not execute."""
    source = floats(device, 4)
    graph, output = device.capture(lambda: source + 1)
    assert output.isnan().all()
    graph.replay()
    assert output.tolist() == [1, 2, 3, 4]


def test_r1_a_capture_leaves_outside_memory_alone(device: EmulatedDevice) -> None:
    """What the captured code writes to a buffer is written by replays only."""
    counter = floats(device, 2)
    graph, _ = device.capture(lambda: counter.add_(10))
    assert counter.tolist() == [0, 1]
    graph.replay()
    graph.replay()
    assert counter.tolist() == [20, 21]


@pytest.mark.parametrize("dtype", DTYPES)
def test_r1_every_dtype_is_poisoned(device: EmulatedDevice, dtype: torch.dtype) -> None:
    """NaN for floats, a huge number for integers; what a capture returns shows it."""
    source = torch.ones(3, dtype=dtype)
    graph, output = device.capture(source.clone)
    if dtype.is_floating_point:
        assert output.isnan().all()
    elif dtype != torch.bool:
        assert output.tolist() == [poison_value(dtype)] * 3
    graph.replay()
    assert torch.equal(output, source)


def test_r2_rebinding_a_name_changes_nothing(device: EmulatedDevice) -> None:
    """Addresses are baked: a new tensor under an old name is not read."""
    holder = {"input": floats(device, 2)}
    kept = holder["input"]
    graph, output = device.capture(lambda: holder["input"] * 2)
    holder["input"] = torch.tensor([50.0, 60.0])
    graph.replay()
    assert output.tolist() == [0, 2]
    kept.copy_(holder["input"])
    graph.replay()
    assert output.tolist() == [100, 120]


def test_r3_memory_that_dies_inside_a_capture_is_reused_by_it(device: EmulatedDevice) -> None:
    """A pointer to a temporary that died sees the values of a later operation."""
    source = floats(device, 8)
    kept: list[Tensor] = []

    def run() -> Tensor:
        early = source + 100
        kept.append(device.unowned(early))
        del early
        return source * 2

    graph, output = device.capture(run)
    graph.replay()
    assert output.data_ptr() == kept[0].data_ptr()
    assert kept[0].tolist() == output.tolist()


def test_r3_memory_that_lives_is_not_reused(device: EmulatedDevice) -> None:
    """A result that the captured code keeps has memory of its own."""
    source = floats(device, 8)
    graph, (early, late) = device.capture(lambda: (source + 100, source * 2))
    graph.replay()
    assert early.tolist() == [100 + number for number in range(8)]
    assert late.tolist() == [2 * number for number in range(8)]


def test_r4_a_later_graph_overwrites_dead_memory_of_an_earlier_one(device: EmulatedDevice) -> None:
    """An output kept by address only is lost as soon as a graph of the same pool replays (BUG-G03)."""
    source, pool = floats(device, 8), device.new_pool()
    first, output = device.capture(lambda: source + 1, pool=pool)
    pointer = device.unowned(output)
    del output
    second, later = device.capture(lambda: source * 3, pool=pool)
    first.replay()
    assert pointer.tolist() == [number + 1 for number in range(8)]
    second.replay()
    assert pointer.tolist() == later.tolist() == [3 * number for number in range(8)]


def test_r4_an_earlier_graph_overwrites_outputs_in_what_was_its_dead_memory(device: EmulatedDevice) -> None:
    """A living output of the second graph is destroyed by a replay of the first: they share a pool (BUG-E01)."""
    source, pool = floats(device, 8), device.new_pool()
    first, total = device.capture(lambda: (source + 1).sum(), pool=pool)
    second, later = device.capture(lambda: source * 3, pool=pool)
    second.replay()
    assert later.tolist() == [3 * number for number in range(8)]
    first.replay()
    assert total.item() == 36
    assert later.tolist() == [number + 1 for number in range(8)]


def test_r4_graphs_with_pools_of_their_own_leave_each_other_alone(device: EmulatedDevice) -> None:
    """The same two programs in two pools."""
    source = floats(device, 8)
    first, _ = device.capture(lambda: (source + 1).sum())
    second, later = device.capture(lambda: source * 3)
    second.replay()
    first.replay()
    assert later.tolist() == [3 * number for number in range(8)]


def test_r5_a_replay_that_reads_dead_memory_names_the_tensor(device: EmulatedDevice) -> None:
    """The message says what died, where it was born, where it died and who reads it."""
    buffers = [device.allocate((2, 3), dtype=torch.float32)]
    graph, _ = device.capture(lambda: buffers[0] * 2)
    buffers.clear()
    with pytest.raises(DeadMemoryRead) as caught:
        graph.replay()
    assert without_lines(str(caught.value)) == (
        "the replay would use float32[2, 3], which died at <buffers.clear()>: born at "
        "<buffers = [device.allocate((2, 3), dtype=torch.float32)]>, first used by aten.mul.Tensor at "
        "<graph, _ = device.capture(lambda: buffers[0] * 2)>. "
        "A graph keeps addresses, not tensors: keep it alive and write into it."
    )
    assert device.facts.replays == 0


def test_r5_replacing_the_data_of_a_parameter_is_noticed(device: EmulatedDevice) -> None:
    """`param.data = ...` leaves the Python object alive and its old storage dead."""
    layer = torch.nn.Linear(2, 2).requires_grad_(False)
    source = floats(device, 1, 2)
    graph, _ = device.capture(lambda: layer(source))
    layer.weight.data = torch.ones(2, 2)
    with pytest.raises(DeadMemoryRead) as caught:
        graph.replay()
    dead = "float32[2, 2], which died at <layer.weight.data = torch.ones(2, 2)>: born outside the emulator"
    assert dead in without_lines(str(caught.value))


def test_r5_a_resized_storage_is_noticed(device: EmulatedDevice) -> None:
    """Growing a buffer moves it; a real graph would read the old place (BUG-G06)."""
    buffer = floats(device, 4)
    graph, _ = device.capture(lambda: buffer + 1)
    buffer.resize_(4096)
    with pytest.raises(DeadMemoryRead, match="was resized from 16 to 16384 bytes"):
        graph.replay()


def test_r5_only_looking_at_the_shape_of_dead_memory_is_harmless(device: EmulatedDevice) -> None:
    """`zeros_like` never reads its argument."""
    templates = [floats(device, 3)]
    graph, output = device.capture(lambda: torch.zeros_like(templates[0]))
    templates.clear()
    graph.replay()
    assert output.tolist() == [0, 0, 0]


def test_r8_rows_that_nothing_writes_are_poison(device: EmulatedDevice) -> None:
    """`torch.empty` in a capture: what a replay leaves unwritten shows as NaN, in every replay."""
    source = floats(device, 2, 2)

    def run() -> Tensor:
        padded = torch.empty(3, 2)
        padded[:2] = source
        return padded

    graph, output = device.capture(run)
    for _ in range(2):
        output.zero_()
        graph.replay()
        assert output[:2].tolist() == [[0, 1], [2, 3]]
        assert output[2].isnan().all()


def test_r8_an_index_from_unwritten_memory_is_an_error_and_not_a_crash(device: EmulatedDevice) -> None:
    """The huge sentinel is out of every bound; the message names the operation that used it."""
    table = floats(device, 4)
    graph, _ = device.capture(lambda: table[torch.empty(2, dtype=torch.int64)])
    with pytest.raises(ReplayFailed, match=r"aten\.index\.Tensor at emulator/test_graph_memory.py:\d+ in <lambda>"):
        graph.replay()


def test_r11_a_destroyed_graph_frees_its_memory(device: EmulatedDevice) -> None:
    """Graphs retain their pool until they are reset or forgotten; living tensors keep their block."""
    source, pool = floats(device, 64), device.new_pool()
    first, early = device.capture(lambda: source + 1, pool=pool)
    second, output = device.capture(lambda: source + 2, pool=pool)
    assert device.pool_bytes(pool) == device.facts.retained_bytes == 512
    first.reset()
    assert (device.facts.graphs_alive, device.pool_bytes(pool)) == (1, 512)
    del second
    gc.collect()
    assert (device.facts.graphs_alive, device.pool_bytes(pool)) == (0, 512)
    del output, early
    assert device.pool_bytes(pool) == device.facts.retained_bytes == 0
    with pytest.raises(GraphDestroyed, match=r"replay at .* the graph was reset or never captured; capture it"):
        first.replay()


def test_r11_the_memory_of_a_reset_graph_serves_others(device: EmulatedDevice) -> None:
    """A pool does not grow when graphs are captured and destroyed in turn."""
    source, pool = floats(device, 64), device.new_pool()
    keeper, _ = device.capture(lambda: source + 1, pool=pool)
    before = device.pool_bytes(pool)
    for _ in range(3):
        graph, _ = device.capture(lambda: source + 2, pool=pool)
        graph.reset()
    assert device.pool_bytes(pool) == before
    keeper.replay()


@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0)])
def test_tensors_without_elements_are_captured(device: EmulatedDevice, shape: tuple[int, ...]) -> None:
    """Empty batches are legal."""
    source = device.allocate(shape, dtype=torch.float32)
    graph, output = device.capture(lambda: torch.cat([source + 1, source]))
    graph.replay()
    assert output.numel() == 0


def test_strides_and_several_results_survive(device: EmulatedDevice) -> None:
    """Transposed results, results in tuples, and views of results are laid out as in eager execution."""
    source = floats(device, 3, 4)

    def run() -> tuple[Tensor, Tensor, Tensor]:
        values, places = (source.t() * 2).max(dim=0)
        return values, places, (source.t() + 1).contiguous().view(torch.int32)

    graph, (values, places, bits) = device.capture(run)
    source.copy_(torch.randn(3, 4))
    graph.replay()
    expected = run()
    assert torch.equal(values, expected[0])
    assert torch.equal(places, expected[1])
    assert torch.equal(bits, expected[2])


@pytest.mark.parametrize("inference", [True, False])
def test_captures_work_with_and_without_inference_mode(device: EmulatedDevice, inference: bool) -> None:
    """Both ways torch has of doing without gradients, and a parameter that wants one."""
    layer = torch.nn.Linear(3, 3)
    source = floats(device, 2, 3)
    with torch.inference_mode(inference), torch.no_grad():
        graph, output = device.capture(lambda: layer(source).relu_())
        source.mul_(-1)
        graph.replay()
        assert torch.equal(output, layer(source).relu_())
