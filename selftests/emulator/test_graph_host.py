"""Rules R6, R7, R9, R10 and R12, failures, and facts: what the host may do around a capture."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor

from selftests.emulator.graph_programs import floats, refusal, without_lines
from suite.emulator.device import EmulatedDevice
from suite.emulator.errors import CaptureSpoiled, EmulatorError, NestedCapture, UnsafeCall


@pytest.fixture
def device() -> EmulatedDevice:
    """A fresh single-device emulator."""
    return EmulatedDevice()


def test_r6_host_code_runs_once(device: EmulatedDevice) -> None:
    """Python numbers and shapes are baked; replays do not ask again."""
    source, factors = floats(device, 2), [3.0]
    graph, output = device.capture(lambda: source * factors[0])
    factors[0] = 100.0
    graph.replay()
    assert output.tolist() == [0, 3]


def test_r6_python_data_made_into_tensors_is_counted(device: EmulatedDevice) -> None:
    """Each such tensor is baked: the facts say how many and where."""
    source = floats(device, 2)
    graph, output = device.capture(lambda: source + torch.tensor([1.0, 2.0]))
    graph.replay()
    assert output.tolist() == [1, 3]
    baked = device.facts.baked_numbers
    assert baked.count == 1
    assert [without_lines(site) for site in baked.sites] == [
        "<graph, output = device.capture(lambda: source + torch.tensor([1.0, 2.0]))>"
    ]


def test_r6_numbers_that_a_kernel_takes_are_not_counted(device: EmulatedDevice) -> None:
    """`x * 2` and `x[i] = 0` pass their number to a kernel."""
    source = floats(device, 3)

    def run() -> Tensor:
        doubled = source * 2
        doubled[0] = 7.0
        doubled[doubled > 3] = 1.0
        return doubled

    graph, output = device.capture(run)
    graph.replay()
    assert output.tolist() == [1, 2, 1]
    assert device.facts.baked_numbers.count == 0


def test_r6_python_data_can_be_refused() -> None:
    """The strict form refuses it, as CUDA refuses a copy from memory that is not pinned."""
    device = EmulatedDevice(strict_host_numbers=True)
    assert refusal(device, lambda: torch.tensor([1, 2])) == (
        "HostCopyRefused: a tensor made of Python data at "
        "<assert refusal(device, lambda: torch.tensor([1, 2])) == (> is refused in a capture: it copies "
        "Python numbers from pageable memory; fill a static buffer before the capture"
    )


def test_r9_random_numbers_advance_per_replay(device: EmulatedDevice) -> None:
    """Replays draw on; a capture draws nothing; the same seed gives the same numbers as eager execution."""
    torch.manual_seed(7)
    graph, output = device.capture(lambda: torch.rand(4))
    graph.replay()
    first = output.clone()
    graph.replay()
    second = output.clone()
    torch.manual_seed(7)
    assert torch.equal(first, torch.rand(4))
    assert torch.equal(second, torch.rand(4))


def test_r9_another_generator_must_be_registered(device: EmulatedDevice) -> None:
    """An unknown generator is refused; a registered one advances per replay and not per capture."""
    generator = torch.Generator().manual_seed(3)

    def run() -> Tensor:
        return torch.rand(2, generator=generator)

    assert refusal(device, run) == (
        "UnregisteredGenerator: aten.rand.generator at <return torch.rand(2, generator=generator)> is refused in a "
        "capture: its generator is not registered with the graph, so replays would not advance it"
    )
    graph, output = device.capture(run, generators=[generator])
    graph.replay()
    assert torch.equal(output, torch.rand(2, generator=torch.Generator().manual_seed(3)))


def test_r10_captures_do_not_nest(device: EmulatedDevice) -> None:
    """The inner capture is refused, the outer one lost, and the next one works."""
    source = floats(device, 2)

    def outer() -> Tensor:
        with pytest.raises(NestedCapture):
            device.capture(lambda: source + 1)
        return source + 2

    with pytest.raises(CaptureSpoiled, match=r"a capture at .* was begun while the one at .* is open"):
        device.capture(outer)
    graph, output = device.capture(lambda: source + 1)
    graph.replay()
    assert output.tolist() == [1, 2]


def test_r10_a_replay_in_a_capture_is_refused(device: EmulatedDevice) -> None:
    """It is no operation that a tape could hold."""
    source = floats(device, 2)
    graph, _ = device.capture(lambda: source + 1)
    assert refusal(device, graph.replay).startswith("NestedCapture: replay at ")


def _in_a_thread(call: object) -> BaseException | None:
    """What a call raises in another thread."""
    caught: list[BaseException] = []

    def target() -> None:
        try:
            assert callable(call)
            call()
        except EmulatorError as error:
            caught.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    return caught[0] if caught else None


def test_r10_another_thread_breaks_a_global_capture(device: EmulatedDevice) -> None:
    """Both are told: the thread that called, and the one that captures (BUG-G21)."""
    source, errors = floats(device, 2), []

    def run() -> Tensor:
        errors.append(_in_a_thread(device.synchronize))
        return source + 1

    with pytest.raises(CaptureSpoiled, match=r"synchronize at .* was called from another thread"):
        device.capture(run)
    assert isinstance(errors[0], UnsafeCall)


def test_r10_other_modes_tolerate_other_threads(device: EmulatedDevice) -> None:
    """`thread_local` minds its own thread only; and plain operations of others are not recorded."""
    source, errors = floats(device, 2), []

    def run() -> Tensor:
        errors.append(_in_a_thread(lambda: device.allocate((2,), dtype=torch.int32)))
        return source + 1

    graph, _ = device.capture(run, capture_error_mode="thread_local")
    assert errors == [None]
    assert graph.operations == ("aten.add.Tensor",)


def test_r12_state_made_on_first_use_escapes_from_the_capture(device: EmulatedDevice) -> None:
    """A cache filled in a capture lies in its pool and is poison; after a warm-up there is nothing to report."""
    source, cache = floats(device, 2), dict[str, Tensor]()

    def run() -> Tensor:
        if "table" not in cache:
            cache["table"] = torch.ones(2)
        return source + cache["table"]

    device.capture(run)
    (escape,) = device.facts.escaped
    assert (escape.label, escape.capture) == ("float32[2]", 1)
    assert without_lines(escape.site) == '<cache["table"] = torch.ones(2)>'
    assert cache["table"].isnan().all()
    cache.clear()
    assert device.facts.escaped == ()
    device.warm_up(run)
    device.capture(run)
    assert device.facts.escaped == ()


def test_an_armed_capture_failure_strikes_and_leaves_nothing_behind(device: EmulatedDevice) -> None:
    """After two taped operations; memory, random numbers and modes are as before (BUG-G19)."""
    source, pool = floats(device, 64), device.new_pool()
    kept, _ = device.capture(lambda: source + 1, pool=pool)
    before, state = device.facts, torch.get_rng_state()
    device.fail_next("capture", after=2, error=OSError("out of luck"))

    def run() -> Tensor:
        return (source.add_(1) * torch.rand(64)).sort().values

    with pytest.raises(OSError, match="out of luck"):
        device.capture(run, pool=pool)
    after = device.facts
    assert (after.retained_bytes, after.graphs_alive) == (before.retained_bytes, before.graphs_alive)
    assert (after.open_captures, after.captures_started, after.captures_completed) == (0, 2, 1)
    assert source[0] == 0
    assert torch.equal(torch.get_rng_state(), state)
    device.capture(run, pool=pool)
    kept.replay()


def test_a_failed_capture_gives_a_fresh_pool_back(device: EmulatedDevice) -> None:
    """Nothing is retained for a graph that never was (BUG-G19)."""
    pool = device.new_pool()

    def run() -> Tensor:
        filled = torch.ones(1000) + 1
        raise KeyError(filled.shape)

    with pytest.raises(KeyError):
        device.capture(run, pool=pool)
    assert device.pool_bytes(pool) == device.facts.retained_bytes == 0


def test_an_armed_capture_failure_strikes_at_the_end_at_the_latest(device: EmulatedDevice) -> None:
    """A capture shorter than the fault's patience fails all the same."""
    source = floats(device, 2)
    device.fail_next("capture", after=50, error=OSError("late"))
    with pytest.raises(OSError, match="late"):
        device.capture(lambda: source + 1)


def test_an_armed_replay_failure_touches_no_memory(device: EmulatedDevice) -> None:
    """One good replay, then one that raises before it writes, then good ones again."""
    source = floats(device, 2)
    graph, output = device.capture(lambda: source + 1)
    device.fail_next("replay", after=1, error=OSError("replay"))
    graph.replay()
    source.fill_(9)
    with pytest.raises(OSError, match="replay"):
        graph.replay()
    assert output.tolist() == [1, 2]
    graph.replay()
    assert output.tolist() == [10, 10]
    assert device.facts.replays == 2


def test_failures_are_armed_one_at_a_time(device: EmulatedDevice) -> None:
    """Wrong words and a second fault of one kind are refused with the choices."""
    with pytest.raises(ValueError, match="choose 'capture' or 'replay'"):
        device.fail_next("warm_up", error=OSError())  # type: ignore[arg-type]  # the wrong word is the test
    device.fail_next("replay", error=OSError())
    with pytest.raises(ValueError, match="armed already"):
        device.fail_next("replay", error=OSError())


def test_facts_are_a_snapshot(device: EmulatedDevice) -> None:
    """They do not change behind the reader's back."""
    source, before = floats(device, 2), device.facts
    graph, _ = device.capture(lambda: source + 1)
    graph.replay()
    assert (before.captures_completed, before.replays) == (0, 0)
    assert (device.facts.captures_completed, device.facts.replays, device.facts.graphs_alive) == (1, 1, 1)
