"""One configured, captured session of the reference, watched from outside."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from models.api import Family, Item
from reference.encoder_graph.device import CudaGraphDevice, GraphDevice
from reference.encoder_graph.manager import EncoderCudaGraphManager
from reference.encoder_graph.packing import Load
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
from suite.subjects.reference_parts import EMULATED, Parts

Route = Literal["injected", "shim", "accelerator", "cuda"]
"""How graphs are made: an emulator injected as the device, the unmodified `torch.cuda` device under the shim,
an emulator with two devices, or real graphs."""


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
