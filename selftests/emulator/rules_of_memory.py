"""Rules R1 to R6 and R11 as programs: what a capture does to memory, and what it bakes."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor

from selftests.emulator.graph_rule import NUMBERS, Rule, floats, raises


def _capture_launches_nothing(device: torch.device) -> object:
    """A buffer before the capture's first replay, and after two."""
    counter, graph = floats(device), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        counter.add_(10)
    before = counter.tolist()
    graph.replay()
    graph.replay()
    return [before, counter.tolist()]


def _names_are_not_baked(device: torch.device) -> object:
    """The output after a name was bound to another tensor, and after the old tensor was written."""
    holder, graph = {"input": floats(device)}, torch.cuda.CUDAGraph()
    kept = holder["input"]
    with torch.cuda.graph(graph):
        output = holder["input"] * 2
    holder["input"] = floats(device) + 100
    graph.replay()
    before = output.tolist()
    kept.copy_(holder["input"])
    graph.replay()
    return [before, output.tolist()]


def _numbers_are_baked(device: torch.device) -> object:
    """The output after a Python number has changed."""
    source, factors, graph = floats(device), [3.0], torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = source * factors[0]
    factors[0] = 100.0
    graph.replay()
    return output.tolist()


def _dead_memory_is_reused(device: torch.device) -> object:
    """Whether a result lies where a temporary died in the same capture, and the result."""
    source, graph = floats(device), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        early = source + 100
        address = early.data_ptr()
        del early
        late = source * 2
    graph.replay()
    return [late.data_ptr() == address, late.tolist()]


def _living_memory_is_not_reused(device: torch.device) -> object:
    """Two results of one capture."""
    source, graph = floats(device), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        early = source + 100
        late = source * 2
    graph.replay()
    return [early.tolist(), late.tolist()]


def _graphs_of_a_pool_overwrite(device: torch.device) -> object:
    """The second graph's output in what was the first one's dead memory: after its own replay, and the other's."""
    source, pool = floats(device), torch.cuda.graph_pool_handle()
    first, second = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(first, pool=pool):
        temporary = source + 1
        address = temporary.data_ptr()
        total = temporary.sum()
        del temporary
    with torch.cuda.graph(second, pool=pool):
        later = source * 3
    second.replay()
    own = later.tolist()
    first.replay()
    return [later.data_ptr() == address, own, later.tolist(), total.tolist()]


def _pools_are_apart(device: torch.device) -> object:
    """The same two graphs, each with a pool of its own."""
    source, first, second = floats(device), torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(first):
        total = (source + 1).sum()
    with torch.cuda.graph(second):
        later = source * 3
    second.replay()
    first.replay()
    return [later.tolist(), total.tolist()]


def _nothing_is_kept_alive(device: torch.device) -> object:
    """Whether an input's memory dies although a graph reads it."""
    buffers, graph = [floats(device)], torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = buffers[0] * 2
    memory = weakref.ref(buffers[0].untyped_storage())
    buffers.clear()
    return [memory() is None, output.shape[0]]


def _reset_frees_the_pool(device: torch.device) -> object:
    """Whether memory grew with the capture, is held by a living output after a reset, and is back at the end."""
    source, graph = floats(device), torch.cuda.CUDAGraph()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    with torch.cuda.graph(graph):
        output = source * 2
    grown = torch.cuda.memory_reserved() > before
    graph.reset()
    torch.cuda.empty_cache()
    held = torch.cuda.memory_reserved() > before
    del output
    torch.cuda.empty_cache()
    return [grown, held, torch.cuda.memory_reserved() == before]


def _a_reset_graph_can_be_captured_again(device: torch.device) -> object:
    """Whether a second capture, and a replay after a reset, are refused; then the output of a new capture."""
    source, graph = floats(device), torch.cuda.CUDAGraph()

    def capture() -> Tensor:
        with torch.cuda.graph(graph, stream=stream):
            return source * 2

    stream = torch.cuda.Stream()
    output = capture()
    twice = raises(capture)
    graph.reset()
    del output
    replayed = raises(graph.replay)
    again = torch.cuda.CUDAGraph()
    with torch.cuda.graph(again):
        output = source * 3
    again.replay()
    return [twice, replayed, output.tolist()]


MEMORY_RULES: dict[str, Rule] = {
    "R1 a capture launches nothing": Rule(_capture_launches_nothing, [NUMBERS, [number + 20 for number in NUMBERS]]),
    "R2 names are not baked": Rule(
        _names_are_not_baked, [[number * 2 for number in NUMBERS], [number * 2 + 200 for number in NUMBERS]]
    ),
    "R3 dead memory is reused": Rule(_dead_memory_is_reused, [True, [number * 2 for number in NUMBERS]]),
    "R3 living memory is not": Rule(
        _living_memory_is_not_reused, [[number + 100 for number in NUMBERS], [number * 2 for number in NUMBERS]]
    ),
    "R4 graphs of a pool overwrite": Rule(
        _graphs_of_a_pool_overwrite,
        [True, [number * 3 for number in NUMBERS], [number + 1 for number in NUMBERS], 36.0],
    ),
    "R4 pools are apart": Rule(_pools_are_apart, [[number * 3 for number in NUMBERS], 36.0]),
    "R5 nothing is kept alive": Rule(_nothing_is_kept_alive, [True, 8]),
    "R6 numbers are baked": Rule(_numbers_are_baked, [number * 3 for number in NUMBERS]),
    "R11 a reset frees the pool": Rule(_reset_frees_the_pool, [True, True, True]),
    "R11 a reset graph": Rule(_a_reset_graph_can_be_captured_again, [True, True, [number * 3 for number in NUMBERS]]),
}
