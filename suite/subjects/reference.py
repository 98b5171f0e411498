"""The reference as a subject: every part that a fault may replace comes in through `Parts`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

import models
import reference
from models.api import Encoder, Family, Item
from reference.encoder_graph.buffers import StaticBuffers
from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.device import CudaGraphDevice, GraphDevice
from reference.encoder_graph.manager import BufferFactory, EncoderCudaGraphManager, ManagerFactory
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.packing import Load, Packer, packer
from reference.encoder_graph.protocol import SupportsEncoderCudaGraph, missing_methods
from reference.model_runner import EncoderModelRunner
from suite.contract.case import Setup
from suite.contract.subject import (
    AdapterBroken,
    Bounds,
    Counts,
    DeviceFacts,
    Launch,
    Refused,
    Where,
)
from suite.emulator.device import EmulatedDevice
from suite.emulator.shim import routed
from suite.subjects.observation import ObservedDevice, ObservedModel, Observer
from suite.subjects.reference_compilation import SOUND, CompilationParts
from suite.subjects.reference_compiling import COMPILING, CompilesPrograms

Route = Literal["injected", "shim", "accelerator", "cuda"]
"""How graphs are made: an emulator injected as the device, the unmodified `torch.cuda` device under the shim,
an emulator with two devices, or real graphs."""

EMULATED = replace(
    COMPILING,
    token_budgets=True,
    statistics=True,
    padded_eager=True,
    lifecycle=True,
    configurable=True,
    can_be_off=True,
    disturbable=True,
    observable=True,
    memory_report=True,
    buffers_observed=True,
    model_protocol=True,
    infers_ladder=True,
    packers=("greedy", "deferral", "least_cost"),
    backends=("flash", "bucketed"),
    kernels_observed=True,
    video=True,
    several_sessions=True,
    checks_inputs=True,
    overhead=64,
)


@dataclass(frozen=True)
class Parts:
    """What the reference is put together from."""

    encoder: Callable[[str, torch.device], Encoder] = lambda name, device: models.build(name, device=str(device))
    model: Callable[[Encoder, str], SupportsEncoderCudaGraph] = lambda encoder, backend: EncoderGraphModel(
        encoder, backend=backend
    )
    packer: Callable[[str], Packer] = packer
    buffers: BufferFactory = StaticBuffers
    device: Callable[[GraphDevice], GraphDevice] = lambda device: device
    manager: ManagerFactory = EncoderCudaGraphManager
    runner: type[EncoderModelRunner] = EncoderModelRunner
    config: Callable[[Setup], EncoderGraphConfig] = lambda setup: config_of(setup)
    compilation: CompilationParts = SOUND


def config_of(setup: Setup) -> EncoderGraphConfig:
    """The reference's configuration of a setup."""
    return EncoderGraphConfig(
        cudagraph_mm_encoder=setup.enabled,
        encoder_cudagraph_token_budgets=setup.budgets,
        encoder_cudagraph_max_images_per_batch=setup.max_items,
        encoder_cudagraph_max_frames_per_batch=setup.max_frames,
        mm_encoder_attn_backend=setup.backend or EMULATED.backends[0],
    )


class ReferenceSubject(CompilesPrograms):
    """The reference, or a broken form of it, on one route to graphs."""

    def __init__(
        self,
        *,
        name: str = "reference",
        route: Route = "injected",
        parts: Parts | None = None,
        isolated: bool = False,
    ) -> None:
        self.name = name
        self.version = reference.__version__
        self._route: Route = route
        self._parts = parts or Parts()
        super().__init__(self._parts.compilation)
        # The shim routes torch.cuda to one emulator at a time.
        self.capabilities = replace(EMULATED, isolated=isolated, several_sessions=route != "shim")
        if route == "cuda":
            self.capabilities = replace(self.capabilities, observable=False, buffers_observed=False, device="cuda")

    def start(self, family: Family, setup: Setup) -> ReferenceSession:
        """A captured session.

        Raises:
            Refused: the configuration is refused.
        """
        session = ReferenceSession(family, setup, route=self._route, parts=self._parts)
        try:
            session.capture()
        except BaseException:
            session.close()
            raise
        return session

    def missing_method(self, family: Family, method: str) -> None:
        """Puts a model without the method before the manager."""
        try:
            self._manager_of(family, method, None)
        except TypeError as error:
            raise Refused(str(error)) from error

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """The manager's, before a model that states this range."""
        manager = self._manager_of(family, "get_encoder_cudagraph_budget_range", lambda: (least, most))
        return manager.limits.budgets

    def _manager_of(self, family: Family, method: str, instead: object) -> EncoderCudaGraphManager:
        """A manager, nothing said by the user, before a model with something else in place of one method."""
        device = EmulatedDevice()
        model = ObservedModel(self._parts.model(self._parts.encoder(family.name, device.device), "flash"), Observer())
        setattr(model, method, instead)
        return self._parts.manager(
            model,
            config=config_of(Setup()),
            device=device,
            packer=self._parts.packer("greedy"),
            buffers=self._parts.buffers,
        )

    def methods(self) -> tuple[str, ...]:
        """The protocol's method names."""
        return tuple(missing_methods(object()))


class ReferenceSession:
    """A runner on one device, watched."""

    def __init__(self, family: Family, setup: Setup, *, route: Route, parts: Parts) -> None:
        self._stack = contextlib.ExitStack()
        self._observer = Observer()
        self._route: Route = route
        self._emulated: EmulatedDevice | None = None
        device = self._device(route)
        self._where = device.device
        self._packer = parts.packer(setup.packer or EMULATED.packers[0])
        self._family = family
        encoder = parts.encoder(family.name, device.device)
        try:
            config = parts.config(setup)
            self._bare = parts.model(encoder, config.mm_encoder_attn_backend)
            self._model = ObservedModel(self._bare, self._observer)
            self._runner = parts.runner(
                encoder,
                config=config,
                device=parts.device(ObservedDevice(device, self._observer)),
                packing=self._packer,
                buffers=parts.buffers,
                model=self._model,
                manager=parts.manager,
            )
        except ValueError as error:
            self._stack.close()
            raise Refused(str(error)) from error

    def _device(self, route: Route) -> GraphDevice:
        if route == "cuda":
            return CudaGraphDevice()
        self._emulated = EmulatedDevice(accelerator=route == "accelerator")
        if route == "shim":
            self._stack.enter_context(routed(self._emulated))
            return CudaGraphDevice(self._emulated.device)
        return self._emulated

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """One `[tokens, width]` per item."""
        self._observer.begin(items)
        return self._to_laws(self._runner.execute_mm_encoder(items))

    def close(self) -> None:
        """Drops the graphs and leaves the shim."""
        try:
            self.clear()
        finally:
            self._stack.close()

    def bounds(self) -> Bounds:
        """The manager's limits."""
        limits = self._manager.limits
        return Bounds(limits.budgets, limits.max_items, limits.max_frames)

    def launches(self) -> Sequence[Launch]:
        """What was seen in the last batch."""
        return tuple(self._observer.launches)

    def promised_ratio(self, items: Sequence[Item]) -> float | None:
        """The packer's promise for the items that a graph may hold."""
        specs = self._model.get_encoder_cudagraph_item_specs(items)
        loads = [Load(spec.output_tokens, spec.frames) for spec in specs]
        return self._packer.promised_ratio(loads, self._manager.limits)

    def counts(self) -> Counts:
        """The manager's statistics."""
        seen = self._manager.statistics
        return Counts(seen.hits, seen.misses, seen.replay_failures, seen.hit_rate, seen.budgets, seen.graphs_captured)

    def padded_eager(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """The last batch's launches once more, each on its padded buffers but without a graph."""
        outputs: dict[int, Tensor] = {}
        for launch in self.launches():
            outputs.update(zip(launch.items, self._padded([items[i] for i in launch.items], launch), strict=True))
        return [outputs[index] for index in range(len(items))]

    def _padded(self, batch: list[Item], launch: Launch) -> Sequence[Tensor]:
        if launch.budget is None:
            return self._to_laws(self._bare.encoder_eager_forward(batch))
        capacity = self._manager.capacity(launch.budget)
        like = self._bare.prepare_encoder_cudagraph_capture_inputs(capacity)
        values = self._bare.prepare_encoder_cudagraph_replay_buffers(batch, capacity)
        padded = {name: _pad(values[name], value).to(self._where) for name, value in like.items()}
        output = self._bare.encoder_cudagraph_forward(padded)
        tokens = [self._family.sizes.tokens(item.grid) for item in batch]
        return self._to_laws(torch.split(output[: sum(tokens)], tokens))

    def _to_laws(self, outputs: Sequence[Tensor]) -> Sequence[Tensor]:
        """Laws look at host tensors in the form with two devices: its tensors exist for the border between them."""
        return [output.cpu() for output in outputs] if self._route == "accelerator" else outputs

    def clear(self) -> None:
        """Drops all graphs."""
        if self._runner.manager is not None:
            self._runner.manager.clear()

    def capture(self) -> None:
        """Captures all graphs."""
        self._runner.capture_model()

    def fail_next(self, where: Where, *, after: int = 0) -> None:
        """Plants one failure."""
        self._observer.arm(where, after=after)

    def facts(self) -> DeviceFacts:
        """What the emulator saw."""
        if self._emulated is None:
            raise AdapterBroken("real graphs tell no facts: the capability `observable` is not declared")
        seen = self._emulated.facts
        return DeviceFacts(
            graphs_alive=seen.graphs_alive,
            retained_bytes=seen.retained_bytes,
            refused=seen.refused,
            escaped=tuple(f"{escape.label} born at {escape.site}" for escape in seen.escaped),
            baked_numbers=seen.baked_numbers.sites,
            cold_captures=tuple(self._observer.cold_captures),
            buffer_bytes=self._observer.buffer_bytes,
        )

    def memory(self) -> dict[int, int]:
        """Buffers and graph of each budget."""
        return {held.budget: held.buffer_bytes + held.graph_bytes for held in self._manager.memory}

    @property
    def _manager(self) -> EncoderCudaGraphManager:
        if self._runner.manager is None:
            raise AdapterBroken("graphs are off: this session has no manager")
        return self._runner.manager


def _pad(value: Tensor, like: Tensor) -> Tensor:
    """The value at the shape of the capture input, zeros past it."""
    padded = torch.zeros_like(like)
    if like.dim():
        padded[: len(value)] = value
    else:
        padded.copy_(value)
    return padded
