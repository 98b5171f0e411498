"""One tower under one runner of SGLang's, on the emulator or on real graphs."""

from __future__ import annotations

import contextlib
import inspect
import traceback
from collections.abc import Hashable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from models.api import Family, Item
from suite.contract.subject import AdapterBroken, DeviceFacts
from suite.emulator.device import EmulatedDevice
from suite.emulator.graph import EmulatedGraph
from suite.emulator.shim import routed
from suite.subjects.sglang.blocks import GraphedPatches
from suite.subjects.sglang.dialect import BOUNDED, PATCHES, TILES, Dialect, RunnerFile
from suite.subjects.sglang.parts import Warmth, encoder_of
from suite.subjects.sglang.tiles import GraphedTiles
from suite.subjects.sglang.whole import GraphedWhole
from suite.subjects.undeclared import BareSession

GRAPHED: Mapping[RunnerFile, type[GraphedPatches | GraphedTiles | GraphedWhole]] = {
    PATCHES: GraphedPatches,
    TILES: GraphedTiles,
    BOUNDED: GraphedWhole,
}
"""What calls each runner."""


class SglangSession(BareSession):
    """A runner that captures layouts as they come."""

    def __init__(self, family: Family, file: RunnerFile, dialect: Dialect, *, device: str, backend: str) -> None:
        self._family = family
        self._stack = contextlib.ExitStack()
        self._emulated = EmulatedDevice() if device == "cpu" else None
        self._told: set[Hashable] = set()
        self._runner_file = inspect.getfile(dialect.runner.run)
        self._warmth = Warmth()
        graphed = GRAPHED[file]
        if self._emulated is not None:
            self._stack.enter_context(routed(self._emulated))
        try:
            with self._blamed():
                self._graphed = graphed(encoder_of(family, device), dialect, backend=backend, warmth=self._warmth)
        except BaseException:
            self._stack.close()
            raise

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """One `[tokens, width]` per item: parts of what the model returns. Without items nobody calls the runner."""
        if not items:
            return ()
        with self._blamed(), torch.no_grad():
            output = self._graphed.encode(items)
        self._declare_outputs()
        return torch.split(output, [self._family.sizes.tokens(item.grid) for item in items])

    def close(self) -> None:
        """Drops the runner and leaves the shim."""
        try:
            del self._graphed
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
            cold_captures=tuple(self._warmth.cold),
        )

    def _declare_outputs(self) -> None:
        """Tells the emulator which memory of a new graph is its output: the rest should die with the capture."""
        for key, graph, output in self._graphed.graphs():
            if key not in self._told and isinstance(graph, EmulatedGraph):
                graph.declare_outputs(output)
            self._told.add(key)

    @contextlib.contextmanager
    def _blamed(self) -> Iterator[None]:
        """What fails without the runner being entered is the adapter's or the zoo's, not the subject's."""
        try:
            yield
        except Exception as error:
            files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)}
            if self._runner_file in files:
                raise
            raise AdapterBroken(f"outside of the runner: {type(error).__name__}: {error}") from error
