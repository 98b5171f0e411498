"""A plugin of pytest under which vLLM's own tests of encoder graphs find a device for graphs: the emulator.

Given as `-p suite.witness.emulated_platform`. Each test has an emulated device of its own. Where a test writes
`cuda:0` itself, as those of older releases do, its tensors are made on the host, where the emulated device keeps them.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch.overrides import TorchFunctionMode

from suite.emulator.device import EmulatedDevice
from suite.emulator.shim import routed
from suite.subjects.vllm.engine import MANAGER, installed

PLATFORMS = "vllm.platforms"


_NAMES_DEVICE: object = torch.device


class EmulatedPlatform:
    """What vLLM asks its platform, answered for the emulator; all else is as on the platform that was found."""

    device_type = "cpu"

    def __init__(self, found: object) -> None:
        self._found = found

    def is_cuda_alike(self) -> bool:
        """There are graphs."""
        return True

    def is_cuda(self) -> bool:
        """Tests that ask so mean `cuda:0`."""
        return True

    def graph_pool_handle(self) -> object:
        """A pool of the device that is routed."""
        return torch.cuda.graph_pool_handle()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the platform has under that name
        return getattr(self._found, name)


class CudaIsHost(TorchFunctionMode):
    """While it is on, torch's functions take a CUDA device for the host."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """The function, with other devices; what only names a device is left as it is."""
        if func is _NAMES_DEVICE:
            return func(*args, **(kwargs or {}))
        return func(*map(_on_host, args), **{name: _on_host(value) for name, value in (kwargs or {}).items()})


def _on_host(value: object) -> object:
    is_named = isinstance(value, str) and value.partition(":")[0] == "cuda"
    return torch.device("cpu") if is_named or (isinstance(value, torch.device) and value.type == "cuda") else value


def pytest_configure(config: pytest.Config) -> None:
    """Before the tests are imported: they ask the platform as soon as they are. The engine itself has been by then."""
    installed()
    platforms = importlib.import_module(PLATFORMS)
    patch = mock.patch.object(platforms, "_current_platform", EmulatedPlatform(platforms.current_platform))
    patch.start()
    config.add_cleanup(patch.stop)


@pytest.fixture(autouse=True)
def emulated_device() -> Iterator[None]:
    """The device of one test."""
    manager = importlib.import_module(MANAGER)
    with contextlib.ExitStack() as stack:
        stack.enter_context(routed(EmulatedDevice()))
        stack.enter_context(CudaIsHost())
        if hasattr(manager, "current_stream"):
            stream = torch.cuda.Stream()
            stack.enter_context(mock.patch.object(manager, "current_stream", return_value=stream))
        yield


@pytest.fixture
def dist_init(tmp_path: Path) -> Iterator[None]:
    """A group of this process alone, which vLLM's conftest makes over NCCL."""
    config, group = importlib.import_module("vllm.config"), importlib.import_module("vllm.distributed")
    with config.set_current_vllm_config(config.VllmConfig()):
        group.init_distributed_environment(
            world_size=1, rank=0, distributed_init_method=f"file://{tmp_path}/meeting", local_rank=0, backend="gloo"
        )
        group.initialize_model_parallel(1, 1)
        yield
        group.destroy_model_parallel()
        group.destroy_distributed_environment()


@pytest.fixture
def workspace_init() -> Iterator[None]:
    """The workspace that vLLM's conftest makes on the accelerator."""
    workspace = importlib.import_module("vllm.v1.worker.workspace")
    workspace.init_workspace_manager(torch.device("cpu"))
    yield
    workspace.reset_workspace_manager()
