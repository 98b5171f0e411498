"""The one place where names of vLLM and of torch are replaced, and what each replacement stands for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import ModuleType
from unittest import mock

import torch

import models
from suite.contract.replacement import Replacement
from suite.emulator.device import EmulatedDevice
from suite.emulator.shim import CUDAGraph, routed
from suite.subjects.observation import Observer
from suite.subjects.vllm.engine import Engine

ZOO = Replacement(
    "the model",
    "an encoder of the zoo, derived from SupportsEncoderCudaGraph",
    "models of the engine need its compiled parts",
)
"""Not where a user puts a model before the manager."""
REPLACEMENTS = (
    Replacement("torch.cuda, torch.accelerator", "the emulator", "there is no GPU; put back when a session ends"),
    Replacement(
        "torch.cuda.CUDAGraph",
        "the emulator's graph, which tells when it replays",
        "launches are observed and not asked for",
    ),
    Replacement(
        "current_stream in vllm.v1.worker.encoder_cudagraph",
        "one emulated stream that is not the default one",
        "the engine knows streams of its own platforms only (releases that name the stream of a capture)",
    ),
    Replacement(
        "get_tensor_model_parallel_rank, get_tensor_model_parallel_world_size, tensor_model_parallel_all_gather in "
        "vllm.v1.worker.encoder_cudagraph and vllm.model_executor.models.vision",
        "ranks in threads, which log every collective",
        "a group of processes cannot tell which rank does not come",
    ),
    Replacement(
        "_execute_local of each rank's manager",
        "the same method, watched",
        "which items a rank encodes is observed and not asked for, and laws plant there what goes wrong on one rank",
    ),
    Replacement(
        "VllmConfig",
        "the engine's CompilationConfig in plain namespaces",
        "a whole configuration asks for a model on disk; the manager reads six fields",
    ),
    ZOO,
)
"""All that is replaced. Everything else is the release as it was installed."""


@contextlib.contextmanager
def without_a_gpu(engine: Engine, device: EmulatedDevice, observer: Observer) -> Iterator[None]:
    """The engine runs on the emulated device until the block ends; then every name is as it was."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(routed(device))
        stack.enter_context(replaced(torch.cuda, "CUDAGraph", _observed_graphs(observer)))
        if engine.dialect.names_stream:
            stream = torch.cuda.Stream()
            stack.enter_context(replaced(engine.module, "current_stream", lambda: stream))
        yield


def replaced(module: ModuleType, name: str, value: object) -> contextlib.AbstractContextManager[object]:
    """The name has that value until the block ends.

    Raises:
        AttributeError: there is no such name, so nothing would be replaced.
    """
    return mock.patch.object(module, name, value)


def supplied(module: ModuleType, name: str, value: object) -> contextlib.AbstractContextManager[object]:
    """The name has that value until the block ends; before and afterwards it may be missing."""
    return mock.patch.object(module, name, value, create=True)


def _observed_graphs(observer: Observer) -> type[CUDAGraph]:
    """The class of graphs of one session: each knows the budget that was asked for last when it was made."""

    class ObservedGraph(CUDAGraph):
        """A graph whose captures and replays are seen."""

        def __init__(self, keep_graph: bool = False) -> None:
            super().__init__(keep_graph)
            self._budget = observer.budget
            self._kernels: set[str] = set()
            self._seeing = contextlib.ExitStack()

        def capture_begin(self, *args: object, **named: object) -> None:
            """As the graph's."""
            begin: Callable[..., None] = super().capture_begin
            begin(*args, **named)
            self._kernels = self._seeing.enter_context(models.kernels_seen())
            observer.capturing = True

        def capture_end(self) -> None:
            """As the graph's; what the engine keeps lies outside the pool, so nothing born in it is an output."""
            self._end()
            super().capture_end()
            self.declare_outputs(())

        def abandon(self) -> None:
            """As the graph's."""
            self._end()
            super().abandon()

        def replay(self) -> None:
            """As the graph's, or the planted failure."""
            observer.fail_if_armed("replay")
            super().replay()
            observer.replayed(self._budget, frozenset(self._kernels))

        def _end(self) -> None:
            observer.capturing = False
            self._seeing.close()

    return ObservedGraph
