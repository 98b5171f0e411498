"""The parts of the reference's compilation that a fault may replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from reference.compilation.aot import TorchTracer
from reference.compilation.artifacts import ArtifactStore
from reference.compilation.backend import BackendParts
from reference.compilation.compiled_forward import CompiledForward, Paths, Target, Tracer
from reference.compilation.config import CompilationConfig
from reference.compilation.decorator import support_torch_compile
from reference.compilation.dynamic_dims import DimensionMarker
from reference.compilation.monitor import Monitor, monitor_torch_compile
from reference.compilation.piece_compilers import PieceCompiler, standard_compilers


@dataclass(frozen=True)
class CompilationParts:
    """What the reference compiles with."""

    monitor: Monitor = monitor_torch_compile
    forward: type[CompiledForward] = CompiledForward
    config: Callable[..., CompilationConfig] = CompilationConfig
    decorate: Callable[..., type[nn.Module]] = support_torch_compile
    """Called with the class and `is_encoder`."""
    marker: Callable[[], DimensionMarker] = DimensionMarker
    paths: Callable[[], Paths] = Paths
    tracer: Callable[[Target], Tracer] = TorchTracer
    backend: BackendParts = field(default_factory=BackendParts)
    compilers: Callable[[], Mapping[str, PieceCompiler]] = standard_compilers
    store: Callable[..., ArtifactStore] = ArtifactStore
    """Called with the cache directory."""
    environment: tuple[str, ...] = ("LOCKSTEP_PROGRAM_VARIANT",)
    """Environment variables whose values are in the key of a whole program (BUG-C14)."""


SOUND = CompilationParts()
"""The reference's own parts."""
