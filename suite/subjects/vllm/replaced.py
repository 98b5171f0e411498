"""The one place where names of vLLM and of torch are replaced, and what each replacement stands for."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from unittest import mock

import torch

import models
from suite.contract.replacement import Replacement
from suite.emulator.device import EmulatedDevice
from suite.emulator.shim import CUDAGraph, routed
from suite.subjects.observation import Observer
from suite.subjects.vllm.callers import Accounting
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
        "torch._dynamo.convert_frame._bytecode_hooks",
        "the table without hooks of vLLM's whenever a class is to be decorated",
        "instances of earlier cases leave hooks there, and would decide what later cases find",
    ),
    Replacement(
        "VLLM_CACHE_ROOT, VLLM_DISABLE_COMPILE_CACHE, VLLM_USE_AOT_COMPILE",
        "a folder of its own, and no cache, while classes are decorated",
        "nothing is kept on disk from one case to the next; put back when a workbench closes",
    ),
    Replacement(
        "AutoModel in vllm.model_executor.models.transformers.base and .multimodal",
        "tables that give copies of transformers' classes, as long as a model is loaded",
        "the backend writes to the classes that it decorates, and the plain models beside it are of the same ones",
    ),
    Replacement(
        "the constructor of a model of the Transformers backend, and its ModelConfig",
        "its own method that decorates, on a model with the few fields that the method reads",
        "the rest needs a model on disk, groups of ranks, and layers whose kernels are compiled parts",
    ),
    Replacement(
        "VllmConfig",
        "the engine's CompilationConfig in plain namespaces",
        "of encoder graphs alone: the manager reads six fields; classes are decorated under a whole one, for a CPU",
    ),
    ZOO,
    Replacement(
        "time in vllm.compilation.monitor and vllm.benchmarks.startup",
        "a virtual clock",
        "seconds are what the laws are about, and are scripted; put back when a timeline or a benchmark ends",
    ),
    Replacement(
        "torch.compiler.load_compiled_function, and what torch.compile returned to a decorated instance",
        "a scripted compiler, which works for as long as the timeline says",
        "callers and monitor are the engine's; what torch takes is the input of the laws",
    ),
    Replacement(
        "compute_hash of each instance's configuration, and its back end where a compile is just in time",
        "a name that has an artifact or has none; eager",
        "the engine looks for an artifact under the hash, and compiles just in time where the back end is eager",
    ),
    Replacement(
        "_print_info_once in vllm.logger",
        "the same without its memory of what it logged",
        "releases before 0.33 log a line of equal text and seconds once in a process; a virtual clock repeats seconds "
        "to the last bit, a real one does not",
    ),
    Replacement(
        "scheduler and model runner around EncoderCacheManager and EncoderCache",
        "a request of one item for each result that is put or got, with the three fields that are read",
        "they are made of the whole engine; the order of their calls, and that results are put as they come, is theirs",
    ),
    Replacement(
        "multiprocessing and EngineArgs in vllm.benchmarks.startup, vllm.LLM",
        "starts in this process, arguments that nobody reads, and an engine that says what a script says",
        "an engine asks for a GPU, its arguments for a platform; how it is started is not what the benchmark measures",
    ),
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


@contextlib.contextmanager
def counted_by(clock: Callable[[], float], load: Callable[..., object], engine: Accounting) -> Iterator[None]:
    """The engine measures compiles with that clock, torch loads what `load` gives, and no line is held back."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(replaced(engine.monitor, "time", SimpleNamespace(perf_counter=clock)))
        stack.enter_context(replaced(torch.compiler, "load_compiled_function", load))
        once = inspect.unwrap(vars(engine.logger)["_print_info_once"])
        stack.enter_context(replaced(engine.logger, "_print_info_once", once))
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
