"""A piece as a function that is compiled per range when a size first needs it (SPEC C1, C3)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, fx
from torch._ops import HigherOrderOperator, OpOverload

from reference.compilation.artifacts import ArtifactStore
from reference.compilation.copies import NotSavable, pickled, self_contained, unpickled
from reference.compilation.counters import CompilationCounter
from reference.compilation.fingerprint import Fingerprint, NoFingerprint
from reference.compilation.piece_compilers import (
    CompiledPiece,
    CompilerMissing,
    EagerCompiler,
    PieceCompiler,
    Run,
    dumped,
    loaded,
)
from reference.compilation.ranges import EVERY_SIZE, CompileRange, Ranges
from reference.compilation.specialisation import (
    BakedSizes,
    SizedInputs,
    SizeWatch,
    as_traced,
    has_values,
    needs_a_size,
    with_typical_sizes,
)
from reference.compilation.splitting import IN_PLACE, Piece, calls_modules, holds_attributes, memory_of

WRITERS = IN_PLACE | {"setitem", "delitem"}
"""Functions of Python's operator module that write their first argument."""


@dataclass
class SharedPieces:
    """Compiled pieces of one start of a program by key: equal ones are compiled once (BUG-C06, BUG-C10)."""

    by_key: dict[str, CompiledPiece] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class PieceBuilder:
    """Makes a piece ready for a range: shared, else from the store, else compiled and saved."""

    def __init__(
        self,
        compiler: PieceCompiler,
        *,
        fingerprint: Fingerprint,
        counter: CompilationCounter,
        shared: SharedPieces,
        store: ArtifactStore | None,
        label: str,
        log: logging.Logger,
    ) -> None:
        self.compiler = compiler
        self.eager = EagerCompiler()
        self.fingerprint = fingerprint
        self.counter = counter
        self.shared = shared
        self.store = store
        self.label = label
        self.log = log

    def build(self, piece: Piece, compile_range: CompileRange) -> CompiledPiece:
        """The piece for one range, by the cheapest way there is."""
        key = self.key(piece, compile_range)
        if key is None:
            return self.compile(piece, compile_range)
        with self.shared.lock:
            known = self.shared.by_key.get(key)
            if known is not None:
                self.counter.add("num_pieces_shared")
                return known
            made = self.load(key)
            if made is None:
                made = self.compile(piece, compile_range)
                self.save(key, made)
            self.shared.by_key[key] = made
            return made

    def key(self, piece: Piece, compile_range: CompileRange) -> str | None:
        """The piece's key; None if it can be neither shared nor kept."""
        try:
            return self.fingerprint.key(piece.graph, compile_range)
        except NoFingerprint as why:
            self.log.debug("%s is not shared and not saved: %s", piece.submod_name, why)
            return None

    def load(self, key: str) -> CompiledPiece | None:
        """The piece from the store; an entry that torch cannot load is as bad as a damaged one."""
        if self.store is None:
            return None
        found = self.store.read(self.label, key)
        self.counter.add("num_artifacts_rejected", int(found.rejected))
        if found.data is None:
            return None
        try:
            made = loaded(self.compiler, found.data)
        except Exception as why:
            self.store.reject(self.label, key, f"{self.compiler.name} cannot load it: {type(why).__name__}: {why}")
            self.counter.add("num_artifacts_rejected")
            return None
        self.counter.add("num_artifacts_loaded")
        return made

    def save(self, key: str, made: CompiledPiece) -> None:
        """Puts a compiled piece into the store, if there is one and the piece can be saved.

        What stayed eager is not kept: the next start tries again, and warns again.
        """
        if self.store is None or made.compiler != self.compiler.name:
            return
        try:
            data = dumped(made)
        except NotSavable as why:
            self.log.debug("a piece is not saved: %s", why)
            return
        self.counter.add("num_artifacts_saved", int(self.store.write(self.label, key, data)))

    def compile(self, piece: Piece, compile_range: CompileRange) -> CompiledPiece:
        """Compiles; where the compiler is missing, or bakes sizes, the piece stays eager with a warning."""
        try:
            made = self._compiled(piece, compile_range)
        except (CompilerMissing, BakedSizes, NotSavable) as why:
            self.log.warning(
                "%s stays eager for compile range %s, with equal values: %s.", piece.submod_name, compile_range, why
            )
            self.counter.add("num_fallbacks_to_eager")
            return self.eager.compile(piece.graph, (), compile_range)
        if made.condition is not None:
            self.log.warning(
                "%s runs compiled for sizes of compile range %s with %s, and eager for others, with equal values.",
                piece.submod_name,
                compile_range,
                made.condition,
            )
            self.counter.add("num_conditional_compiles")
        self.counter.add("num_backend_compilations")
        self.counter.add(f"num_{self.compiler.name}_compiles")
        return made

    def _compiled(self, piece: Piece, compile_range: CompileRange) -> CompiledPiece:
        """Compiles with sizes that have no value; where the compiler asks for one, again with typical ones."""
        if self.compiler.name == self.eager.name:
            return self.compiler.compile(piece.graph, (), compile_range)
        graph, values = self.example(piece)
        if has_values(values):
            return self._watched(graph, with_typical_sizes(values, piece.size, compile_range), compile_range)
        try:
            return self._watched(graph, as_traced(values, piece.size, compile_range), compile_range)
        except Exception as why:
            if not needs_a_size(why):
                raise
            asks = BakedSizes(f"{self.compiler.name} cannot do without the value of a size: {why}")
        graph, values = self.example(piece)
        try:
            return self._watched(graph, with_typical_sizes(values, piece.size, compile_range), compile_range)
        except (BakedSizes, CompilerMissing):
            raise
        except Exception as why:
            raise asks from why

    def _watched(self, graph: fx.GraphModule, inputs: SizedInputs, compile_range: CompileRange) -> CompiledPiece:
        """Compiles; what the compiler assumes of sizes becomes the condition of the code."""
        watch = SizeWatch(inputs)
        with watch.watching():
            made = self.compiler.compile(graph, inputs.values, compile_range)
        return replace(made, condition=watch.condition())

    def example(self, piece: Piece) -> tuple[fx.GraphModule, Sequence[Any]]:
        """A fresh copy of the piece's graph and inputs: no compile leaves guards or changes in what the next one sees.

        Raises:
            NotSavable: there can be no copy, because the piece holds tensors or modules, or cannot be pickled.
        """
        if holds_attributes(piece.graph) or calls_modules(piece.graph):
            raise NotSavable("it holds tensors or modules of its own")
        return unpickled(pickled(self_contained(piece.graph)))


class PiecewiseFunction:
    """A piece, called with its arguments; compiled for a range when a size of it first comes."""

    def __init__(
        self, piece: Piece, *, ranges: Ranges, prepare: Callable[[Piece, CompileRange], CompiledPiece]
    ) -> None:
        self.piece = piece
        self.ranges = ranges if piece.size is not None else Ranges([EVERY_SIZE])
        self._is_for_every_size = self.ranges.all == (EVERY_SIZE,)
        self._prepare = prepare
        self._made: dict[int, CompiledPiece] = {}
        self._ready: list[Run | None] = [None] * len(self.ranges.all)

    def __call__(self, *args: object) -> object:
        """The piece's outputs, from the code for the call's size."""
        slot = self.slot(args)
        return (self._ready[slot] or self.prepare(slot))(*args)

    def slot(self, args: Sequence[object]) -> int:
        """The number of the range that a call's size is in."""
        size = self.piece.size
        return 0 if size is None or self._is_for_every_size else self.ranges.slot(int(size.read(args)))

    def prepare(self, slot: int) -> Run:
        """Compiles for one range, unless that is done, and gives what runs."""
        run = self._ready[slot] = guarded(self.piece.graph, self.made(slot))
        return run

    def made(self, slot: int) -> CompiledPiece:
        """What was compiled for one range; compiles it if nothing was."""
        if slot not in self._made:
            self._made[slot] = self._prepare(self.piece, self.ranges.all[slot])
        return self._made[slot]


def guarded(graph: fx.GraphModule, made: CompiledPiece) -> Run:
    """A compiled piece that calls the graph itself for arguments that the code is not for.

    Those are sizes that do not fulfil its condition (BUG-C17), and arguments that share memory where one of them is
    written. Code that AOTAutograd made relies on the aliasing of its example inputs, and the guards that Dynamo would
    keep for both do not exist outside of Dynamo.
    """
    tests = [
        *([] if made.condition is None else [made.condition.holds]),
        *([share_no_memory] if made.assumes_unaliased and may_write(graph) else []),
    ]
    if not tests:
        return made.run
    run, plain = made.run, graph.forward
    return lambda *args: (run if all(test(args) for test in tests) else plain)(*args)


def share_no_memory(args: Sequence[object]) -> bool:
    """Whether every tensor among the arguments has memory of its own."""
    tensors = [memory_of(value) for value in args if isinstance(value, Tensor)]
    return len(set(tensors)) == len(tensors)


def may_write(graph: fx.GraphModule) -> bool:
    """Whether some operation may write one of its arguments; errs on the side of yes."""
    return any(_may_write(node) for node in graph.graph.nodes if node.op in ("call_function", "call_method"))


def _may_write(node: fx.Node) -> bool:
    if isinstance(node.target, OpOverload):
        return node.target._schema.is_mutable  # noqa: SLF001 - where torch keeps it
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "_")
    return (
        (name.endswith("_") and not name.endswith("__"))
        or name.strip("_") in WRITERS
        or node.kwargs.get("out") is not None
        or bool(node.kwargs.get("inplace"))
        or isinstance(node.target, HigherOrderOperator)
        or getattr(node.target, "__module__", "torch").split(".")[0] not in ("torch", "_operator", "math")
    )
