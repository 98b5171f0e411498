"""One tower under one runner of SGLang's, on the emulator or on real graphs."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from models.api import Family, Item
from suite.contract.subject import AdapterBroken, DeviceFacts
from suite.emulator.device import EmulatedDevice
from suite.emulator.graph import EmulatedGraph
from suite.emulator.shim import routed
from suite.subjects.sglang.blocks import Vit, encoder_of
from suite.subjects.sglang.dialect import Dialect
from suite.subjects.sglang.requests import request_of
from suite.subjects.undeclared import BareSession


class SglangSession(BareSession):
    """A runner that captures each layout at the first batch that has it."""

    def __init__(self, family: Family, dialect: Dialect, *, device: str, backend: str) -> None:
        self._family = family
        self._takes_key = dialect.takes_layout_key
        self._stack = contextlib.ExitStack()
        self._emulated = EmulatedDevice() if device == "cpu" else None
        self._told: set[Hashable] = set()
        self._encoder = encoder_of(family, device)
        self._vit = Vit(self._encoder, backend=backend)
        if self._emulated is not None:
            self._stack.enter_context(routed(self._emulated))
        try:
            self._runner = dialect.runner(self._vit)
        except BaseException:
            self._stack.close()
            raise

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """One `[tokens, width]` per item: parts of what the runner returns. Without items nobody calls the runner."""
        if not items:
            return ()
        tokens = [self._family.sizes.tokens(item.grid) for item in items]
        with torch.no_grad():
            request = request_of(self._encoder, items)
            output = self._runner.run(**request.inputs(layout_key=self._takes_key))
        self._declare_outputs()
        return torch.split(output, tokens)

    def close(self) -> None:
        """Drops the runner and leaves the shim."""
        try:
            del self._runner
        finally:
            self._stack.close()

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
            cold_captures=tuple(self._vit.warmth.cold),
        )

    def _declare_outputs(self) -> None:
        """Tells the emulator which memory of a new graph is its output: the rest should die with the capture."""
        for key, graph in self._runner.block_graphs.items():
            if key not in self._told and isinstance(graph, EmulatedGraph):
                graph.declare_outputs(self._runner.block_output[key])
            self._told.add(key)
