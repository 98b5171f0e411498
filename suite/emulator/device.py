"""The emulated device: what a runner asks of CUDA, and what a test asks of the runner."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Literal, TypeVar

import torch
from torch import Tensor

from suite.emulator import open_capture
from suite.emulator.backend import TwoDevices
from suite.emulator.facts import Facts
from suite.emulator.graph import EmulatedGraph
from suite.emulator.open_capture import ErrorMode
from suite.emulator.placement import Placement, SingleDevice, unowned
from suite.emulator.recorder import CaptureFault
from suite.emulator.sites import current_site
from suite.emulator.state import DeviceState

T = TypeVar("T")
Placeable = TypeVar("Placeable", Tensor, torch.nn.Module)


class EmulatedDevice:
    """CUDA-graph semantics (rules R1-R12) on a CPU.

    With `accelerator` the device is a second one beside the CPU, so that host tensors and device tensors are
    told apart; without, every CPU tensor is taken to be on the device, which is faster and needs nothing of
    torch. `strict_host_numbers` refuses Python numbers and lists that a capture turns into tensors.
    """

    def __init__(self, *, accelerator: bool = False, strict_host_numbers: bool = False) -> None:
        placement: Placement = TwoDevices() if accelerator else SingleDevice()
        self.state = DeviceState(placement=placement, strict_host_numbers=strict_host_numbers)
        """What the device's graphs share; of interest to the shim alone."""
        self.device: torch.device = placement.device
        """`cpu`, or `emu:0` in the two-device form."""

    @property
    def facts(self) -> Facts:
        """Counters and state now, as a frozen snapshot."""
        return self.state.facts()

    def allocate(self, shape: Sequence[int], *, dtype: torch.dtype) -> Tensor:
        """Zeros of the shape on the device, outside any pool.

        Raises:
            UnsafeCall: a capture is open.
        """
        open_capture.refuse_unsafe("allocate")
        tensor = self.state.placement.allocate(shape, dtype=dtype)
        self.state.births.add(self.state.placement.inner(tensor), site=current_site())
        return tensor

    def new_pool(self) -> Hashable:
        """A handle under which captures share memory."""
        return self.state.new_key()

    def new_graph(self) -> EmulatedGraph:
        """A graph to be captured by hand with `capture_begin` and `capture_end`."""
        return EmulatedGraph(self.state)

    def warm_up(self, run: Callable[[], object]) -> None:
        """Run eagerly, so that whatever is made on first use is made before the capture (rule R12)."""
        open_capture.refuse_nested("warm_up")
        run()

    def capture(
        self,
        run: Callable[[], T],
        *,
        pool: Hashable | None = None,
        capture_error_mode: ErrorMode = "global",
        generators: Sequence[torch.Generator] = (),
    ) -> tuple[EmulatedGraph, T]:
        """Record what `run` does; without a pool the graph gets one of its own.

        What `run` returns lies in the pool and is poison until the first replay. `generators` are those,
        beside the default one, that replays may draw from.

        Raises:
            NestedCapture: a capture is open.
            CaptureSpoiled: `run` swallowed a refusal.
            CaptureRefused: `run` did what a capture does not allow.
        """
        graph = self.new_graph()
        for generator in generators:
            graph.register_generator_state(generator)
        graph.capture_begin(pool, capture_error_mode)
        try:
            result = run()
        except BaseException:
            graph.abandon()
            raise
        graph.capture_end()
        graph.declare_outputs(result)
        return graph, result

    def synchronize(self) -> None:
        """Wait for the device, which here is always done.

        Raises:
            UnsafeCall: a capture is open.
        """
        open_capture.refuse_unsafe("synchronize", device_wide=True)

    def pool_bytes(self, pool: Hashable) -> int:
        """Bytes that graphs and live tensors of the pool hold; 0 for a handle without memory."""
        self.state.collect()
        found = self.state.pools.get(pool)
        return found.bytes if found is not None else 0

    def fail_next(self, where: Literal["capture", "replay"], *, after: int = 0, error: Exception) -> None:
        """Arm one failure.

        Of the next capture, once `after` operations are taped (at its end at the latest), or of the replay
        after `after` good ones, before it touches memory.

        Raises:
            ValueError: `where` is neither, `after` is negative, or one of its kind is armed already.
        """
        if where not in ("capture", "replay") or after < 0:
            choices = "choose 'capture' or 'replay', and after >= 0"
            raise ValueError(f"fail_next({where!r}, after={after}): {choices}")
        name = f"{where}_fault"
        if getattr(self.state, name) is not None:
            raise ValueError(f"fail_next({where!r}): one is armed already; let it strike first")
        setattr(self.state, name, CaptureFault(after=after, error=error))

    def unowned(self, tensor: Tensor) -> Tensor:
        """A tensor over the same bytes that keeps nothing alive, as engines make them (BUG-G03)."""
        placement = self.state.placement
        return placement.outer(unowned(placement.inner(tensor)))

    def place(self, value: Placeable) -> Placeable:
        """A tensor on the device, or a module whose parameters and buffers are moved to it (as `to` does)."""
        return value.to(self.device)

    def to_host(self, tensor: Tensor) -> Tensor:
        """The values on the host: a copy where the device is another, the tensor itself where it is the CPU.

        Raises:
            CaptureRefused: a capture is open in this thread.
        """
        return tensor.cpu()
