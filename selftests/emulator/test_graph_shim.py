"""Code written for `torch.cuda` under the shim, and the names afterwards."""

from __future__ import annotations

import gc
import weakref
from types import ModuleType

import pytest
import torch

from selftests.emulator.graph_programs import floats, without_lines
from suite.emulator.device import EmulatedDevice
from suite.emulator.errors import CaptureSpoiled, EmulatorError, UnsafeCall
from suite.emulator.shim import routed


def _names() -> dict[tuple[str, str], object]:
    modules: tuple[ModuleType, ...] = (torch.cuda, torch.accelerator)
    return {(module.__name__, name): value for module in modules for name, value in vars(module).items()}


@pytest.mark.parametrize("accelerator", [False, True], ids=["one device", "two devices"])
def test_a_runner_for_cuda_runs_unmodified(accelerator: bool) -> None:
    """Graph, pool handle, side stream, events and capture question, as engines use them."""
    device = EmulatedDevice(accelerator=accelerator)
    source = floats(device, 4)
    with routed(device):
        assert torch.cuda.is_available()
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.graph(graph, pool=pool, stream=side, capture_error_mode="thread_local"):
            assert torch.cuda.is_current_stream_capturing()
            assert torch.cuda.current_stream() is side
            output = source * 2
        assert not torch.cuda.is_current_stream_capturing()
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        torch.accelerator.synchronize()
        assert start.elapsed_time(end) >= 0
        assert graph.pool() == pool
        assert torch.cuda.memory_reserved() == device.pool_bytes(pool) > 0
        assert torch.cuda.mem_get_info()[0] < torch.cuda.mem_get_info()[1]
    assert output.tolist() == [0, 2, 4, 6]
    assert device.facts.replays == 1


def test_every_name_is_put_back() -> None:
    """Also those that were not there before."""
    before = _names()
    with routed(EmulatedDevice()):
        assert _names() != before
    assert _names() == before


def test_every_name_is_put_back_after_an_exception() -> None:
    """And after one inside a capture, which is closed too."""
    before, device = _names(), EmulatedDevice()
    with pytest.raises(KeyError), routed(device), torch.cuda.graph(torch.cuda.CUDAGraph()):
        raise KeyError
    assert _names() == before
    assert device.facts.open_captures == 0
    with routed(device):
        assert not torch.cuda.is_current_stream_capturing()


@pytest.mark.parametrize("accelerator", [False, True], ids=["one device", "two devices"])
def test_random_numbers_of_the_device_are_the_cpus(accelerator: bool) -> None:
    """Seeding, saving and restoring under the shim, as libraries do around a model."""
    with routed(EmulatedDevice(accelerator=accelerator)):
        torch.manual_seed(1)
        first = torch.rand(2)
        torch.cuda.manual_seed_all(1)
        with torch.random.fork_rng():
            assert torch.equal(torch.rand(2), first)
        assert torch.equal(torch.rand(2), first)
        torch.cuda.set_rng_state(torch.cuda.get_rng_state())


def test_two_devices_cannot_be_routed_at_once() -> None:
    """The second is refused, the first goes on."""
    device = EmulatedDevice()
    with routed(device):
        with pytest.raises(EmulatorError, match="a device is routed already; leave that block first"):
            routed(EmulatedDevice()).__enter__()
        torch.cuda.synchronize()


def test_a_synchronisation_in_a_capture_is_refused_and_spoils_it() -> None:
    """The error in the middle, and the one at the end where it was swallowed."""
    device = EmulatedDevice()
    with routed(device):
        spoiled, graph = pytest.raises(CaptureSpoiled), torch.cuda.CUDAGraph()
        with spoiled, torch.cuda.graph(graph), pytest.raises(UnsafeCall) as caught:
            torch.cuda.synchronize()
    assert without_lines(str(caught.value)) == (
        "synchronize at <torch.cuda.synchronize()> was called from its own thread while the capture at "
        "<with spoiled, torch.cuda.graph(graph), pytest.raises(UnsafeCall) as caught:> is open; it breaks the capture"
    )


def test_graphed_callables_are_refused() -> None:
    """They capture backward passes, which nobody here needs."""
    with routed(EmulatedDevice()), pytest.raises(EmulatorError, match=r"make_graphed_callables at .* is not emulated"):
        torch.cuda.make_graphed_callables(torch.nn.Linear(1, 1), (torch.ones(1),))


def test_a_graph_is_captured_once() -> None:
    """A second capture into the same object needs a reset, as on CUDA."""
    device = EmulatedDevice()
    source = floats(device, 2)
    with routed(device):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            kept = source + 1
        with pytest.raises(EmulatorError, match="this graph is captured already"):
            graph.capture_begin()
        graph.reset()
        with torch.cuda.graph(graph):
            kept = source + 2
        graph.replay()
    assert kept.tolist() == [2, 3]


@pytest.mark.parametrize("accelerator", [False, True], ids=["one device", "two devices"])
def test_nothing_waits_for_the_garbage_collector(accelerator: bool) -> None:
    """A device under the shim is gone, with its pools, as soon as nobody holds it: a run has thousands of sessions."""
    device = EmulatedDevice(accelerator=accelerator)
    memory, source = weakref.ref(device), floats(device, 2)
    gc.collect()
    gc.disable()
    try:
        with routed(device):
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                output = source + 1
            graph.replay()
        assert output.tolist() == [1, 2]
        del device, graph, output
        assert memory() is None
    finally:
        gc.enable()


def test_a_graph_outside_the_shim_is_refused() -> None:
    """A class kept from inside has no device any more."""
    with routed(EmulatedDevice()):
        kept = torch.cuda.CUDAGraph
    with pytest.raises(EmulatorError, match="no device is routed; make it inside routed"):
        kept()
