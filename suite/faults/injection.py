"""How a wrong part gets into the reference: each function makes the parts with one of them replaced."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import fx

from models.api import Encoder
from models.encoder import GenericEncoder
from models.towers import build_tower
from reference.compilation.config import CompilationConfig
from reference.compilation.monitor import MESSAGE, Clock, CompileMonitor
from reference.compilation.piece_compilers import CompiledPiece, PieceCompiler, standard_compilers
from reference.compilation.ranges import CompileRange
from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.device import GraphDevice
from reference.encoder_graph.manager import BufferFactory, EncoderCudaGraphManager
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.packing import Greedy, Packer
from reference.encoder_graph.protocol import SupportsEncoderCudaGraph
from reference.encoder_graph.statistics import Counters
from suite.subjects.reference_compilation import SOUND
from suite.subjects.reference_decorating import SOUND as SOUND_DECORATION
from suite.subjects.reference_engine import EngineParts
from suite.subjects.reference_parts import Parts, ShardingParts
from suite.subjects.reference_startup import SOUND as SOUND_STARTUP

MakeParts = Callable[[], Parts]
COMPILERS = ("eager", "aot_eager", "inductor")
PieceRun = Callable[..., Sequence[object]]
"""A piece's function: its arguments to a sequence of its outputs."""


def adapter(make: Callable[..., GenericEncoder]) -> MakeParts:
    """Another generic adapter around the same tower; called with the tower and `device`."""
    return lambda: Parts(encoder=lambda name, device: make(build_tower(name), device=str(device)))


def model(kind: type[EncoderGraphModel]) -> MakeParts:
    """Another model of the protocol around the same encoder."""

    def make(encoder: Encoder, backend: str) -> SupportsEncoderCudaGraph:
        return kind(encoder, backend=backend)

    return lambda: Parts(model=make)


def packing(kind: type[Greedy]) -> MakeParts:
    """Another packer, whichever is asked for."""

    def make(name: str) -> Packer:
        return kind()

    return lambda: Parts(packer=make)


def manager_changed(change: Callable[[EncoderCudaGraphManager, EncoderGraphConfig], None]) -> MakeParts:
    """The manager with something of it replaced right after its construction."""

    def make(
        model: SupportsEncoderCudaGraph,
        *,
        config: EncoderGraphConfig,
        device: GraphDevice,
        packer: Packer,
        buffers: BufferFactory,
    ) -> EncoderCudaGraphManager:
        manager = EncoderCudaGraphManager(model, config=config, device=device, packer=packer, buffers=buffers)
        change(manager, config)
        return manager

    return lambda: Parts(manager=make)


def manager_refusing(error: type[Exception], *, text: str) -> MakeParts:
    """The manager whose refusals of one kind all say the same."""

    def make(
        model: SupportsEncoderCudaGraph,
        *,
        config: EncoderGraphConfig,
        device: GraphDevice,
        packer: Packer,
        buffers: BufferFactory,
    ) -> EncoderCudaGraphManager:
        try:
            return EncoderCudaGraphManager(model, config=config, device=device, packer=packer, buffers=buffers)
        except error:
            raise error(text) from None

    return lambda: Parts(manager=make)


def counters(kind: type[Counters]) -> MakeParts:
    """The manager with another tally."""

    def change(manager: EncoderCudaGraphManager, config: EncoderGraphConfig) -> None:
        manager._counters = kind()

    return manager_changed(change)


def monitor(kind: type[CompileMonitor]) -> MakeParts:
    """Another monitor of compile seconds."""

    def make(
        config: CompilationConfig, message: str = MESSAGE, is_encoder: bool = False, *, clock: Clock = time.perf_counter
    ) -> CompileMonitor:
        return kind(config, message, is_encoder, clock=clock, dump=None)

    return lambda: Parts(compilation=replace(SOUND, monitor=make))


def compilation(**parts: Any) -> MakeParts:  # noqa: ANN401 - the fields check their types
    """Other parts of the reference's compilation, by the names of `CompilationParts`."""
    return lambda: Parts(compilation=replace(SOUND, **parts))


def decoration(**parts: Any) -> MakeParts:  # noqa: ANN401 - the fields check their types
    """Other parts of the reference's decoration, by the names of `DecorationParts`."""
    return lambda: Parts(decoration=replace(SOUND_DECORATION, **parts))


def piecewise(**parts: Any) -> MakeParts:  # noqa: ANN401 - the fields check their types
    """Other parts of its piecewise back end, by the names of `BackendParts`."""
    return compilation(backend=replace(SOUND.backend, **parts))


def sharding(**parts: Any) -> MakeParts:  # noqa: ANN401 - the fields check their types
    """Other parts of sharing batches out over ranks, by the names of `ShardingParts`."""
    return lambda: Parts(sharding=ShardingParts(**parts))


def startup(**parts: Any) -> MakeParts:  # noqa: ANN401 - the fields check their types
    """Other parts of measuring starts, by the names of `StartupParts`."""
    return lambda: Parts(startup=replace(SOUND_STARTUP, **parts))


def startup_command(**parts: Any) -> MakeParts:  # noqa: ANN401 - the fields check their types
    """Other parts of the startup benchmark's command, by the names of `CommandParts`."""
    return startup(command=replace(SOUND_STARTUP.command, **parts))


def engine(**parts: Any) -> MakeParts:  # noqa: ANN401 - the fields check their types
    """Other parts of starting an engine, by the names of `EngineParts`."""
    return lambda: Parts(engine=EngineParts(**parts))


def pieces(change: Callable[[PieceRun], PieceRun], *, by: Sequence[str] = COMPILERS) -> MakeParts:
    """Pieces that some compilers made run otherwise, compiled or loaded."""

    def make() -> dict[str, PieceCompiler]:
        sound = standard_compilers()
        return {name: _Changed(each, change) if name in by else each for name, each in sound.items()}

    return compilation(compilers=make)


class _Changed:
    """A compiler whose pieces run otherwise."""

    def __init__(self, compiler: PieceCompiler, change: Callable[[PieceRun], PieceRun]) -> None:
        self._compiler = compiler
        self._change = change
        self.name = compiler.name

    def options(self) -> str:
        """As the compiler's."""
        return self._compiler.options()

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """As the compiler's, changed."""
        return self._changed(self._compiler.compile(graph, example_inputs, compile_range))

    def load(self, data: bytes) -> CompiledPiece:
        """As the compiler's, changed."""
        return self._changed(self._compiler.load(data))

    def _changed(self, made: CompiledPiece) -> CompiledPiece:
        return replace(made, run=self._change(made.run))
