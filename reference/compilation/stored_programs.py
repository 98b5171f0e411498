"""Programs that torch made ahead of time: run, checked, turned into bytes and back (SPEC C2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn
from torch._dynamo.aot_compile import AOTCompiledFunction
from torch._dynamo.aot_compile_types import SerializableCallable

from reference.compilation.copies import NotSavable
from reference.compilation.piece_compilers import standard_compilers
from reference.compilation.piecewise import PiecewiseFunction
from reference.compilation.program import SplitProgram
from reference.compilation.reads import Reads, TracedSource, is_unchanged


class StaleProgram(Exception):
    """A stored program whose source has changed since it was traced."""


class AotProgram:
    """A program that torch made ahead of time, for one module; its weights are read from the module at each run."""

    def __init__(self, module: nn.Module, compiled: AOTCompiledFunction, reads: Reads | None = None) -> None:
        self._module = module
        self._compiled = compiled
        # `fits` is asked before each run, so the guards need not be checked twice.
        compiled.disable_guard_check()
        self.reads = reads or Reads()

    @classmethod
    def from_bytes(cls, module: nn.Module, data: bytes, f_globals: dict[str, object] | None) -> AotProgram:
        """The program again. Anything may be raised over damaged data, or data of another torch."""
        return cls(module, AOTCompiledFunction.deserialize(data, f_globals))

    def __call__(self, *args: object, **kwargs: object) -> object:
        """What the forward returns."""
        return self._compiled(self._module, *args, **kwargs)

    def fits(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
        """Whether the guards that were stored hold for these inputs."""
        return bool(self._compiled.guard_check(self._module, *args, **kwargs))

    def sources(self) -> Sequence[TracedSource]:
        """What was traced, function by function."""
        return tuple(self._compiled.source_info().inlined_sources)

    def pieces(self) -> Sequence[PiecewiseFunction]:
        """The pieces, splitting operations too; none if the back end is another one."""
        made = self._compiled._artifacts.compiled_fn  # noqa: SLF001 - torch has no public way to what a back end gave
        return made.program.pieces if isinstance(made, StorableProgram) else ()

    def require_fresh(self) -> None:
        """Compares what was traced with the code as it is now.

        Raises:
            StaleProgram: a function has changed.
        """
        for source in self.sources():
            if source.module.partition(".")[0] != "torch" and not is_unchanged(source):
                raise StaleProgram(f"{source.module}, line {source.firstlineno}, is no longer what was traced")

    def serialized(self) -> bytes:
        """The whole program as bytes."""
        data: bytes = AOTCompiledFunction.serialize(self._compiled).serialized_data
        return data


class StorableProgram(SerializableCallable):
    """The back end's program in the form that torch can store."""

    def __init__(self, program: SplitProgram) -> None:
        self.program = program
        self._state: bytes | NotSavable | None = None

    def prepare(self) -> None:
        """Compiles what is still missing and makes the bytes; what cannot be bytes can still be run."""
        try:
            self._state = self.program.state()
        except NotSavable as why:
            self._state = why

    @classmethod
    def serialize_compile_artifacts(cls, fn: StorableProgram) -> bytes:
        """The program as bytes.

        Raises:
            NotSavable: a piece has no such form.
        """
        if fn._state is None:
            fn.prepare()
        if not isinstance(fn._state, bytes):
            raise fn._state or NotSavable("the program has no bytes")
        return fn._state

    @classmethod
    def deserialize_compile_artifacts(cls, data: bytes) -> StorableProgram:
        """The program from its bytes."""
        return cls(SplitProgram.from_state(data, compilers=standard_compilers()))

    def __call__(self, *args: object, **kwargs: object) -> object:
        """What the graph returns."""
        return self.program(*args, **kwargs)
