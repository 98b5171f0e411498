"""Small programs under the piecewise back end, with everything that it did in the open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, fx
from torch import _dynamo as dynamo
from torch._dynamo.decorators import mark_unbacked

from reference.compilation.artifacts import ArtifactStore
from reference.compilation.backend import PiecewiseBackend
from reference.compilation.config import CompilationConfig
from reference.compilation.piece_compilers import (
    AotEagerCompiler,
    CompiledPiece,
    EagerCompiler,
    PieceCompiler,
    standard_compilers,
)
from reference.compilation.program import SplitProgram
from reference.compilation.ranges import CompileRange

SEAM = ("aten::softmax",)


class Recording(PiecewiseBackend):
    """Keeps the programs that it made."""

    def __call__(self, graph: fx.GraphModule, example_inputs: Sequence[object]) -> SplitProgram:
        """As usual, and kept."""
        made = super().__call__(graph, example_inputs)
        self.programs = [*getattr(self, "programs", []), made]
        return made


@dataclass
class Watched(EagerCompiler):
    """Eager under another name, which notes what it is handed; it may be told to bake the first size."""

    name: str = "aot_eager"
    bakes: bool = False
    seen: list[tuple[CompileRange, list[Any]]] = field(default_factory=list)

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """The graph's forward."""
        self.seen.append((compile_range, list(example_inputs)))
        if self.bakes:
            int(next(value for value in example_inputs if isinstance(value, torch.SymInt)))
        return super().compile(graph, example_inputs, compile_range)


class Assuming(AotEagerCompiler):
    """Assumes that there are more than two rows, as generated code may; for fewer it gives rubbish."""

    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[Any], compile_range: CompileRange
    ) -> CompiledPiece:
        """AOTAutograd's, for more than two rows."""
        if next(value for value in example_inputs if isinstance(value, torch.SymInt)) <= 2:
            raise AssertionError("the size that compilers are told is a large one")
        return self.for_many(super().compile(graph, example_inputs, compile_range))

    def load(self, data: bytes) -> CompiledPiece:
        """The same again."""
        return self.for_many(super().load(data))

    def for_many(self, made: CompiledPiece) -> CompiledPiece:
        """Runs on zeros if there are few rows."""

        def run(*args: object) -> object:
            few = any(isinstance(value, int) and value <= 2 for value in args)
            return made.run(
                *(torch.zeros_like(value) if few and isinstance(value, Tensor) else value for value in args)
            )

        return replace(made, run=run)


BACKEND_OPTIONS = ("parts", "compilers", "shared", "clock", "component", "class_name")


def backend(name: str = "eager", *, root: Path | None = None, **options: object) -> Recording:
    """A back end over a configuration of these options; with a store at `root`."""
    own: dict[str, Any] = {key: options.pop(key) for key in BACKEND_OPTIONS if key in options}
    given: dict[str, Any] = {"component": "encoder", "class_name": "Small", **own}
    settings: dict[str, Any] = options
    store = None if root is None else ArtifactStore(root)
    return Recording(CompilationConfig(backend=name, **settings), store=store, **given)


def forget() -> None:
    """As at the start of a process, as far as Dynamo knows."""
    dynamo.reset()


@contextmanager
def fresh_dynamo() -> Iterator[None]:
    """No program of an earlier test is known to Dynamo, and none is left, and no gradients are taken."""
    forget()
    with torch.no_grad():
        yield
    forget()


def compiled(function: Callable[..., Any], through: PiecewiseBackend) -> Callable[..., Any]:
    """The function under torch.compile as one graph."""
    made: Callable[..., Any] = torch.compile(function, backend=through, fullgraph=True)
    return made


def rows(count: int, *, width: int = 4) -> Tensor:
    """`[count, width]` in float32 whose rows differ; the number of rows is a symbol without a value."""
    made = torch.linspace(-1.0, 1.0, count * width).reshape(count, width)
    mark_unbacked(made, 0)
    return made


def messages(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    """What was logged from a level on."""
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def all_compilers(**others: PieceCompiler) -> dict[str, PieceCompiler]:
    """The standard ones, some replaced."""
    return {**standard_compilers(), **others}
