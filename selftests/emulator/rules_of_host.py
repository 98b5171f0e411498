"""Rules R7, R9 and R10 as programs: what the host may do around a capture, and what breaks one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch
from torch import Tensor

from selftests.emulator.graph_rule import NUMBERS, Program, Rule, floats, raises

Operation = Callable[[Tensor], object]


def _swallowing(operation: Operation) -> Program:
    """Whether the operation raises in a capture, and whether the capture is lost although that was swallowed."""

    def run(device: torch.device) -> object:
        source, graph = floats(device), torch.cuda.CUDAGraph()
        raised = False

        def capture() -> Tensor:
            nonlocal raised
            with torch.cuda.graph(graph):
                kept = source + 1
                raised = raises(lambda: operation(source))
            return kept

        lost = raises(capture)
        return [raised, lost]

    return run


def _copying(operation: Operation) -> Program:
    """Whether the operation raises; torch refuses some copies before CUDA sees them, so the rest is not compared."""

    def run(device: torch.device) -> object:
        raised, _ = _both(_swallowing(operation)(device))
        return raised

    return run


def _both(seen: object) -> tuple[object, object]:
    if not isinstance(seen, list) or len(seen) != 2:
        raise TypeError(f"expected two answers, got {seen!r}")
    return seen[0], seen[1]


def _replaying(operation: Operation) -> Program:
    """The values of a replay after the input has changed: the operation is recorded."""

    def run(device: torch.device) -> object:
        source, graph = floats(device), torch.cuda.CUDAGraph()
        operation(source)
        with torch.cuda.graph(graph):
            output = operation(source)
        source.copy_(floats(device).flip(0))
        graph.replay()
        return output.tolist() if isinstance(output, Tensor) else None

    return run


def _fill_through_a_mask(x: Tensor) -> Tensor:
    filled = x.clone()
    filled[filled > 3] = 1.0
    return filled


WAITS: dict[str, Operation] = {
    "item": lambda x: x[0].item(),
    "bool": lambda x: bool(x[0]),
    "equal": lambda x: torch.equal(x, x + 1),
    "nonzero": lambda x: x.nonzero(),
    "unique": lambda x: x.unique(),
    "masked_select": lambda x: x.masked_select(x > 1),
    "boolean index": lambda x: x[x > 1],
    "bincount": lambda x: x.long().bincount(),
    "repeat_interleave": lambda x: x.repeat_interleave(x.long()),
}
COPIES: dict[str, Operation] = {
    "cpu": lambda x: x.cpu(),
    "tolist": lambda x: x.tolist(),
    "tensor of Python data": lambda x: torch.tensor([1.0, 2.0], device=x.device),
    "copy from the host": lambda x: x.copy_(torch.zeros(8)),
    "host index": lambda x: x[torch.tensor([1, 0])],
}
RECORDED: dict[str, tuple[Operation, list[float]]] = {
    "where": (lambda x: torch.where(x > 3, x, 0.0), [7, 6, 5, 4, 0, 0, 0, 0]),
    "masked_fill": (lambda x: x.masked_fill(x > 3, 1.0), [1, 1, 1, 1, 3, 2, 1, 0]),
    "number through a mask": (_fill_through_a_mask, [1, 1, 1, 1, 3, 2, 1, 0]),
    "repeats with a total": (
        lambda x: x.repeat_interleave(torch.ones_like(x).long(), output_size=8),
        [7, 6, 5, 4, 3, 2, 1, 0],
    ),
    "sort": (lambda x: x.sort().values, NUMBERS),
}


def _random_numbers_advance(device: torch.device) -> object:
    """Whether two replays draw what eager execution draws from the same seed, and differ."""
    graph = torch.cuda.CUDAGraph()
    torch.rand(4, device=device)
    torch.manual_seed(7)
    with torch.cuda.graph(graph):
        output = torch.rand(4, device=device)
    replays = []
    for _ in range(2):
        graph.replay()
        replays.append(output.tolist())
    torch.manual_seed(7)
    eager = [torch.rand(4, device=device).tolist() for _ in range(2)]
    return [replays == eager, replays[0] != replays[1]]


def _begin_another(_source: Tensor) -> object:
    with torch.cuda.graph(torch.cuda.CUDAGraph()):
        return None


def _capturing_is_told(device: torch.device) -> object:
    """What `is_current_stream_capturing` says before, in and after a capture."""
    source, graph = floats(device), torch.cuda.CUDAGraph()
    seen = [torch.cuda.is_current_stream_capturing()]
    with torch.cuda.graph(graph):
        output = source + 1
        seen.append(torch.cuda.is_current_stream_capturing())
    seen.append(torch.cuda.is_current_stream_capturing())
    return [seen, output.shape[0]]


def _another_thread_synchronizes(device: torch.device) -> object:
    """Whether waiting for the whole device from another thread raises there, and loses a `thread_local` capture."""
    source, graph, raised = floats(device), torch.cuda.CUDAGraph(), list[bool]()

    def capture() -> Tensor:
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            kept = source + 1
            thread = threading.Thread(target=lambda: raised.append(raises(torch.cuda.synchronize)))
            thread.start()
            thread.join()
        return kept

    lost = raises(capture)
    return [raised, lost]


LOST = [True, True]
"""The operation raised, and the capture ended with an error although that was swallowed."""

HOST_RULES: dict[str, Rule] = {
    **{f"R7 {name} waits": Rule(_swallowing(operation), LOST) for name, operation in WAITS.items()},
    **{f"R7 {name} copies": Rule(_copying(operation), True) for name, operation in COPIES.items()},
    **{
        f"R7 {name} is recorded": Rule(_replaying(operation), expected)
        for name, (operation, expected) in RECORDED.items()
    },
    "R9 random numbers advance": Rule(_random_numbers_advance, [True, True]),
    "R10 captures do not nest": Rule(_swallowing(_begin_another), LOST),
    "R10 waiting for the device": Rule(_swallowing(lambda _: torch.cuda.synchronize()), LOST),
    "R10 another thread waits": Rule(_another_thread_synchronizes, [[True], True]),
    "R10 capturing is told": Rule(_capturing_is_told, [[False, True, False], 8]),
}
