"""What compiles one piece for one range: eager, aot_eager or inductor, each with its form on disk (SPEC C1, C2)."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol, cast

import torch
from torch import Tensor, fx
from torch._dynamo.aot_compile_types import BundledAOTAutogradSerializableCallable as Bundle
from torch._dynamo.backends.debugging import aot_eager
from torch._functorch import config as functorch_config
from torch._guards import TracingContext, detect_fake_mode, tracing
from torch._inductor import config as inductor_config
from torch._inductor import standalone_compile
from torch._inductor.cpp_builder import get_cpp_compiler
from torch._inductor.standalone_compile import AOTCompiledArtifact
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from reference.compilation.conditions import Condition
from reference.compilation.copies import NotSavable, pickled, unpickled
from reference.compilation.ranges import CompileRange
from reference.compilation.splitting import calls_modules, copied, holds_attributes

Run = Callable[..., Any]
"""Takes the arguments of a graph, and returns its outputs."""


class CompilerMissing(RuntimeError):
    """A piece compiler cannot work on this machine: the text says what it lacks. Its pieces run in eager."""


@dataclass(frozen=True)
class CompiledPiece:
    """A function of the piece's arguments, which returns a sequence with the piece's outputs."""

    compiler: str
    """The name of the compiler that can load what `dump` gives."""
    run: Run
    serialise: Callable[[], bytes]
    assumes_unaliased: bool
    """Whether the code relies on its arguments sharing no memory wherever one of them is written."""
    condition: Condition | None = None
    """Sizes that the code is for; None: all of its range."""

    def __call__(self, *args: object) -> object:
        """The piece's outputs."""
        return self.run(*args)

    def dump(self) -> bytes:
        """The form on disk.

        Raises:
            NotSavable: torch cannot serialise it.
        """
        try:
            return self.serialise()
        except Exception as why:
            raise NotSavable(f"the compiled piece cannot be serialised: {type(why).__name__}: {why}") from why


class PieceCompiler(Protocol):
    """Compiles one piece. Example inputs are fake tensors and symbolic sizes that the compiler may use up."""

    name: str

    def options(self) -> str:
        """Every setting that changes what it makes, as text for the key."""
        ...

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """Compiles a graph, which the compiler may keep and change.

        Raises:
            CompilerMissing: the machine lacks what it needs.
        """
        ...

    def load(self, data: bytes) -> CompiledPiece:
        """What `dump` gave, as a function again; anything may be raised over data of another torch."""
        ...


class EagerCompiler:
    """Runs the graph as it is. What is saved is the graph; a load spares nothing but the graph's own copy."""

    name = "eager"

    def options(self) -> str:
        """Nothing to set."""
        return ""

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """The graph's own forward."""
        plain = fx.GraphModule(graph, copied(graph.graph))
        for node in plain.graph.nodes:
            node.meta = {}
        return CompiledPiece(self.name, plain.forward, lambda: self.serialised(plain), assumes_unaliased=False)

    def serialised(self, graph: fx.GraphModule) -> bytes:
        """The graph as bytes; one that holds tensors or modules would miss their later changes, and is refused."""
        if holds_attributes(graph) or calls_modules(graph):
            raise NotSavable("the graph holds tensors or modules of its own")
        return pickled(graph)

    def load(self, data: bytes) -> CompiledPiece:
        """The graph's own forward again."""
        return self.compile(unpickled(data)[0], (), CompileRange(0, None))


class AotEagerCompiler:
    """Runs what AOTAutograd makes of the graph: functional, with decompositions, mutations written back.

    What is saved is that result with its wrappers for aliases and mutations; a load traces nothing again. What torch
    finds unsafe to serialise (see its `autograd_cache`) is compiled at each start.
    """

    name = "aot_eager"

    def options(self) -> str:
        """The settings of functorch."""
        return _digest(functorch_config.save_config_portable())

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """What AOTAutograd makes of the graph, run by its own forward."""
        with _serialisable_aot(self.name), _tracing(example_inputs):
            return bundled(self.name, aot_eager(graph, list(example_inputs)))

    def load(self, data: bytes) -> CompiledPiece:
        """AOTAutograd's result again, without tracing."""
        return bundled(self.name, Bundle.deserialize_compile_artifacts(data))


STEADY_LAYOUT: Mapping[str, Any] = MappingProxyType({"layout_optimization": False})
"""Keeps a convolution's layout. With torch 2.13 on a CPU, code that Inductor makes for another layout and for symbolic
sizes refuses its own convolution's strides at run time: the towers of gemma3 and llava cannot run."""


class InductorCompiler:
    """Runs code that Inductor generates for the graph.

    What is saved is AOTAutograd's result and the generated sources; a load traces and lowers nothing, but builds C++
    kernels again unless Inductor's own cache still has them.
    """

    name = "inductor"

    def __init__(self, options: Mapping[str, Any] = STEADY_LAYOUT) -> None:
        self._options = dict(options)

    def options(self) -> str:
        """The settings of Inductor and functorch, and those given at construction."""
        settings = inductor_config.save_config_portable(), functorch_config.save_config_portable()
        return _digest((settings, self._options))

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """Inductor's code for all sizes of the range: it sees symbolic sizes only (BUG-C17)."""
        self.require_toolchain(example_inputs)
        with _tracing(example_inputs), warnings.catch_warnings():
            # The first compile imports a part of torch that warns of another part of torch.
            warnings.filterwarnings("ignore", ".*torch.jit.script_method", DeprecationWarning)
            made: Any = standalone_compile(
                graph,
                list(example_inputs),
                dynamic_shapes="from_tracing_context",
                options={"config_patches": self._options},
                aot=True,
            )
        return CompiledPiece(self.name, made, made.serialize, assumes_unaliased=True)

    def load(self, data: bytes) -> CompiledPiece:
        """The generated code again."""
        made = AOTCompiledArtifact.deserialize(data)
        return CompiledPiece(self.name, made, made.serialize, assumes_unaliased=True)

    def require_toolchain(self, example_inputs: Sequence[Any]) -> None:
        """Raises `CompilerMissing` if a piece on the CPU has no C++ compiler."""
        if not any(isinstance(value, Tensor) and value.device.type == "cpu" for value in example_inputs):
            return
        try:
            found = shutil.which(get_cpp_compiler())
        except Exception as why:
            raise CompilerMissing(f"inductor finds no C++ compiler: {why}") from why
        if found is None:
            raise CompilerMissing(f"inductor finds no C++ compiler: {get_cpp_compiler()} is not on the path")


def standard_compilers() -> dict[str, PieceCompiler]:
    """The piece compilers by name."""
    made: list[PieceCompiler] = [EagerCompiler(), AotEagerCompiler(), InductorCompiler()]
    return {each.name: each for each in made}


def bundled(compiler: str, function: Run) -> CompiledPiece:
    """What AOTAutograd gave, as a compiled piece."""
    return CompiledPiece(
        compiler, function, lambda: Bundle.serialize_compile_artifacts(Bundle(function)), assumes_unaliased=True
    )


def dumped(made: CompiledPiece) -> bytes:
    """The form on disk of a piece with its condition.

    Raises:
        NotSavable: torch cannot serialise it.
    """
    return pickle.dumps((made.condition, made.dump()))


def loaded(compiler: PieceCompiler, data: bytes) -> CompiledPiece:
    """What `dumped` gave, as a piece again; anything may be raised over data of another torch."""
    condition, code = pickle.loads(data)
    return replace(compiler.load(code), condition=condition)


@contextmanager
def _tracing(values: Sequence[Any]) -> Iterator[None]:
    """The tracing context of torch that holds inside a back end."""
    with tracing(TracingContext(detect_fake_mode(values) or FakeTensorMode(shape_env=ShapeEnv()))):
        yield


@contextmanager
def _serialisable_aot(name: str) -> Iterator[None]:
    """Makes AOTAutograd give a result that can be saved, apart from what torch's own cache has for Inductor."""
    settings = {"bundled_autograd_cache": True, "force_autograd_cache": True}
    with (
        cast("Any", functorch_config).patch(settings),
        cast("Any", torch.compiler.config).patch(cache_key_tag=f"{torch.compiler.config.cache_key_tag}|{name}"),
    ):
        yield


def _digest(settings: object) -> str:
    return hashlib.sha256(repr(settings).encode()).hexdigest()
