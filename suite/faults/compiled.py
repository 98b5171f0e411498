"""Faults of compiled programs: sizes, constants, weights and ranges that are taken for others."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, fx, nn

from reference.compilation.compiled_forward import CompiledForward, Target, Tracer
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.decorator import support_torch_compile
from reference.compilation.dynamic_dims import ForwardSignature
from reference.compilation.fingerprint import Fingerprint, Symbols
from reference.compilation.piecewise import PiecewiseFunction
from reference.compilation.ranges import CompileRange, ranges_of
from suite.faults import injection
from suite.faults.fault import Fault
from suite.faults.injection import PieceRun


def _asserts_first_sizes(run: PieceRun) -> PieceRun:
    """Generated code that asserts the sizes that it was first run for, as after torch 2.9."""
    first: list[list[list[int]]] = []

    def asserting(*args: object) -> Sequence[object]:
        sizes = [list(each.shape) for each in args if isinstance(each, Tensor)]
        first.append(sizes)
        if sizes != first[0]:
            raise RuntimeError(f"expected size {first[0]} == {sizes}")
        return run(*args)

    return asserting


def _writes_first_rows(run: PieceRun) -> PieceRun:
    """A loop over as many rows as the first call had."""
    first: list[int] = []

    def looping(*args: object) -> Sequence[object]:
        outputs = run(*args)
        for output in outputs:
            if isinstance(output, Tensor) and output.ndim == 2:
                first.append(len(output))
                output[first[0] :] = 0
        return outputs

    return looping


def _keeps_first_weights(run: PieceRun) -> PieceRun:
    """Holds the weights of whoever called first."""
    first: dict[int, nn.Parameter] = {}

    def keeping(*args: object) -> Sequence[object]:
        held = [
            first.setdefault(place, each) if isinstance(each, nn.Parameter) else each for place, each in enumerate(args)
        ]
        return run(*held)

    return keeping


def _largest_first(run: PieceRun) -> PieceRun:
    """Gives outputs in the order in which they were allocated, which is by size."""

    def sorting(*args: object) -> Sequence[object]:
        return sorted(run(*args), key=lambda each: -each.numel() if isinstance(each, Tensor) else 0)

    return sorting


class _KnowsOperationsAlone(Fingerprint):
    """Takes pieces with the same operations for equal, whatever numbers are in them."""

    def graph(self, graph: fx.GraphModule, symbols: Symbols) -> list[str]:
        return [re.sub(r"(int|float) [-+.\w]+", "number", line) for line in super().graph(graph, symbols)]


class _KnowsShapesAlone(Fingerprint):
    """Takes pieces with the same inputs for equal, whatever they compute, if they have as many operations."""

    def graph(self, graph: fx.GraphModule, symbols: Symbols) -> list[str]:
        return [str(len(graph.graph.nodes))]


class _OneSizeLess(PiecewiseFunction):
    """Counts sizes from 0 where ranges count from 1."""

    def slot(self, args: Sequence[object]) -> int:
        size = self.piece.size
        return 0 if size is None else self.ranges.slot(max(0, int(size.read(args)) - 1))


def _always_closed(endpoints: Sequence[int], *, is_encoder: bool) -> tuple[CompileRange, ...]:
    """Ranges of a language model, whatever is compiled."""
    return ranges_of(endpoints, is_encoder=False)


class _AsksForContext(CompiledForward):
    """Wants a context of its own around each call, which only the thread that made it has."""

    def __init__(self, target: Target, *, tracer: Tracer) -> None:
        super().__init__(target, tracer=tracer)
        self._context = threading.local()
        self._context.is_set = True

    def __call__(self, *args: object, **kwargs: object) -> object:
        if not getattr(self._context, "is_set", False):
            raise RuntimeError("forward context is not set")
        return super().__call__(*args, **kwargs)


class _KeepsFirstShape(CompiledForward):
    """Gives the results of an earlier call of the same sizes again."""

    def __init__(self, target: Target, *, tracer: Tracer) -> None:
        super().__init__(target, tracer=tracer)
        self._known: dict[tuple[int, ...], object] = {}

    def __call__(self, *args: object, **kwargs: object) -> object:
        sizes = tuple(len(each) for each in kwargs.values() if isinstance(each, Tensor) and each.ndim)
        return self._known.setdefault(sizes, super().__call__(*args, **kwargs))


def _stock_is_full(**fields: Any) -> CompilationConfig:  # noqa: ANN401 - the configuration's own
    """Compiles for itself where torch was asked for as it is."""
    config = CompilationConfig(**fields)
    return replace(config, mode=CompilationMode.FULL) if config.mode is CompilationMode.STOCK else config


def marking_the_first_alone(cls: type[nn.Module], *, is_encoder: bool) -> type[nn.Module]:
    """Declares the first argument as dynamic, and forgets the others that vary."""
    first = next(iter(ForwardSignature(cls.forward, class_name=cls.__name__).parameters))
    return support_torch_compile(cls, dynamic_arg_dims={first: 0}, is_encoder=is_encoder)


_VALUES = "compiled/values-equal-eager"
_BORDERS = "compiled/borders-of-ranges"
_RANGES = "compiled/range-that-runs-holds-the-size"

FAULTS = (
    Fault(
        id="compiled/asserts-first-sizes",
        breaks="the code of a range asserts the size for which it first ran",
        caught_by=(_BORDERS, _VALUES),
        parts=injection.pieces(_asserts_first_sizes),
        source="BUG-C17",
    ),
    Fault(
        id="compiled/generated-for-one-size",
        breaks="generated code asserts the size for which it first ran, other compilers' does not",
        caught_by=("compiled/generated-code",),
        parts=injection.pieces(_asserts_first_sizes, by=("inductor",)),
        source="BUG-C17",
    ),
    Fault(
        id="compiled/writes-first-rows",
        breaks="a compiled piece writes as many rows as its first call had",
        caught_by=("compiled/order-of-calls-does-not-matter", _BORDERS, _VALUES),
        parts=injection.pieces(_writes_first_rows),
        source="BUG-C17",
    ),
    Fault(
        id="compiled/last-range-is-closed",
        breaks="an encoder has no range for sizes beyond the last endpoint",
        caught_by=(_BORDERS,),
        parts=injection.piecewise(ranges=_always_closed),
    ),
    Fault(
        id="compiled/one-size-less",
        breaks="a size is looked up one too low, so the first of a range runs in the range before",
        caught_by=(_RANGES,),
        parts=injection.piecewise(function=_OneSizeLess),
    ),
    Fault(
        id="compiled/knows-operations-alone",
        breaks="pieces with equal operations and other constants share their code",
        caught_by=("compiled/equal-blocks",),
        parts=injection.piecewise(fingerprint=_KnowsOperationsAlone),
        source="BUG-C06",
        sampled=True,
    ),
    Fault(
        id="compiled/knows-shapes-alone",
        breaks="pieces of equal length with equal inputs share their code",
        caught_by=("compiled/equal-blocks",),
        parts=injection.piecewise(fingerprint=_KnowsShapesAlone),
        source="BUG-C06",
    ),
    Fault(
        id="compiled/keeps-first-weights",
        breaks="equal pieces share code that holds the weights of its first caller",
        caught_by=("compiled/instances-keep-their-weights", "compiled/equal-blocks"),
        parts=injection.pieces(_keeps_first_weights),
        source="BUG-C10",
    ),
    Fault(
        id="compiled/largest-output-first",
        breaks="the outputs of a piece come back in the order of their sizes",
        caught_by=(_VALUES,),
        parts=injection.pieces(_largest_first),
    ),
    Fault(
        id="compiled/keeps-results-by-size",
        breaks="a call gets the results of an earlier one of its sizes",
        caught_by=("compiled/towers-compile-once", _VALUES),
        parts=injection.compilation(forward=_KeepsFirstShape),
    ),
    Fault(
        id="compiled/marks-the-first-argument",
        breaks="metadata that varies is not declared as dynamic",
        caught_by=("compiled/towers-compile-once",),
        parts=injection.compilation(decorate=marking_the_first_alone),
        source="BUG-C11",
    ),
    Fault(
        id="compiled/asks-for-a-context",
        breaks="a compiled forward refuses to run outside of a context that only its first thread has",
        caught_by=("compiled/surroundings-do-not-matter",),
        parts=injection.compilation(forward=_AsksForContext),
        source="BUG-C07",
    ),
    Fault(
        id="compiled/stock-is-full",
        breaks="mode stock splits, counts and logs as mode full does",
        caught_by=("compiled/off-is-off",),
        parts=injection.compilation(config=_stock_is_full),
    ),
)
