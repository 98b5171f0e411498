"""What a compiler assumes of sizes: its code runs where that is true, and nowhere else (BUG-C17)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import sympy
import torch
from torch import SymInt
from torch._dynamo.source import ConstantSource
from torch._subclasses import FakeTensor
from torch.fx.experimental import _config as shape_config
from torch.fx.experimental.symbolic_shapes import DimDynamic, GuardOnDataDependentSymNode, ShapeEnv

from reference.compilation.conditions import Condition, condition_of
from reference.compilation.copies import of_sizes
from reference.compilation.fingerprint import shape_environment
from reference.compilation.ranges import CompileRange
from reference.compilation.splitting import SizeSource
from reference.compilation.typical_sizes import Sizes, TypicalSizes, facts_of, is_true, sources_of, symbols_of


class BakedSizes(RuntimeError):
    """Compiled code for hardly any size of its range, or a compiler that needs to know one: the piece stays eager."""


@dataclass(frozen=True)
class SizedInputs:
    """Example inputs for one compile, and what is known of their symbols."""

    values: Sequence[Any]
    sources: dict[Any, SizeSource]
    """Where a call shows the size that a symbol stands for."""
    examples: Sequence[Sizes]
    """Sizes that calls may well have."""
    granted: tuple[Any, ...] = ()
    """Formulas that were taken to be true when the values were made."""


def as_traced(values: Sequence[Any], size: SizeSource | None, compile_range: CompileRange) -> SizedInputs:
    """The inputs with the symbols that Dynamo gave them."""
    typical = _typical(values, size)
    return SizedInputs(values, sources_of(values), [] if typical is None else typical.examples(compile_range))


def with_typical_sizes(values: Sequence[Any], size: SizeSource | None, compile_range: CompileRange) -> SizedInputs:
    """The inputs with symbols that a compiler may ask for a size: it is told typical ones, and the answers are noted.

    What the first call had is forgotten. Sizes that are always the same share of another are written as that, because
    torch's formulas do not see it. Inputs for which no typical sizes are found stay as they are.
    """
    traced = as_traced(values, size, compile_range)
    environment, typical = shape_environment(values), _typical(values, size)
    if environment is None or typical is None or not traced.examples:
        return traced
    shares = {symbol: _share(symbol, typical, traced) for symbol in typical.symbols}
    fresh = {
        base: _fresh_symbol(environment, f"size{number}", traced.examples[0][base])
        for number, base in enumerate(dict.fromkeys(base for _, base in shares.values()))
    }
    renamed = {symbol: share * fresh[base] for symbol, (share, base) in shares.items()}
    facts = [fact.xreplace(renamed) for fact in typical.facts]
    for fact in facts:
        # Known from here on, and no assumption of the compiler's.
        environment.evaluate_expr(fact)
    made = [_renamed(value, environment, renamed) for value in values]
    tied = [sympy.Eq(symbol, renamed[symbol]) for symbol, (_, base) in shares.items() if base != symbol]
    return SizedInputs(
        made,
        {**traced.sources, **sources_of(made)},
        [sizes | {fresh[base]: sizes[base] for base in fresh} for sizes in traced.examples],
        # A guard of Dynamo makes sure of what is known of sizes with a value; an assertion may stand in another piece.
        (*tied, *([] if has_values(values) else facts)),
    )


def has_values(values: Sequence[Any]) -> bool:
    """Whether the symbolic sizes have the values of a first call, which compilers can ask for."""
    return all(value.node.has_hint() for value in values if isinstance(value, SymInt))


def _typical(values: Sequence[Any], size: SizeSource | None) -> TypicalSizes | None:
    environment, symbols = shape_environment(values), symbols_of(values)
    if environment is None:
        return None
    main = None if size is None else size.read(values)
    return TypicalSizes(
        symbols, facts_of(environment, symbols), main=main.node.expr if isinstance(main, SymInt) else None
    )


def _share(symbol: object, typical: TypicalSizes, traced: SizedInputs) -> tuple[int, Any]:
    """How many times which other symbol it always is; once itself, if there is none, or if a call does not show it."""
    group = next(group for group in typical.groups if symbol in group)
    base = min((each for each in group if each in traced.sources), key=traced.examples[0].__getitem__, default=symbol)
    shares = {sizes[symbol] / sizes[base] for sizes in traced.examples}
    share = shares.pop()
    is_shared = not shares and share == int(share) and symbol in traced.sources
    return (int(share), base) if is_shared else (1, symbol)


def _fresh_symbol(environment: ShapeEnv, name: str, size: int) -> Any:  # noqa: ANN401 - a symbol of sympy
    """A symbol with a value, of which nothing is known, not even that it is neither 0 nor 1."""
    symbol = environment.create_symbol(
        size,
        ConstantSource(name),
        dynamic_dim=DimDynamic.DYNAMIC,
        positive=None,
        do_not_specialize_zero_one=True,
    )
    environment.size_like.add(cast("Any", symbol))
    return symbol


def _renamed(value: object, environment: ShapeEnv, renamed: dict[Any, Any]) -> object:
    if isinstance(value, SymInt):
        return environment.create_symintnode(value.node.expr.xreplace(renamed), hint=None)
    if isinstance(value, FakeTensor) and any(isinstance(size, SymInt) for size in (*value.shape, *value.stride())):
        shape, stride = (
            [_renamed(size, environment, renamed) for size in sizes] for sizes in (value.shape, value.stride())
        )
        return of_sizes(value, cast("Any", shape), cast("Any", stride))
    return value


class SizeWatch:
    """Notes what is newly assumed about the symbolic sizes of example inputs while it watches."""

    def __init__(self, inputs: SizedInputs) -> None:
        self._inputs = inputs
        self._environment = shape_environment(inputs.values)
        self.noted: list[Any] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A compile belongs into it."""
        environment = self._environment
        if environment is None:
            yield
            return
        guards, replacements, asserted = len(environment.guards), dict(environment.replacements), _asserted(environment)
        # Sizes 0 and 1 are sizes like others, whatever the first call had.
        with cast("Any", shape_config).patch(backed_size_oblivious=True), _past_torchs_caches(self._inputs.values):
            yield
        known = self._inputs.sources.keys()
        self.noted += [guard.expr for guard in environment.guards[guards:]]
        self.noted += [
            sympy.Eq(symbol, other)
            for symbol, other in environment.replacements.items()
            if replacements.get(symbol) != other and symbol in known
        ]
        # What is asserted of sizes that are found while the code runs, the code asserts itself.
        self.noted += [each for each in _asserted(environment) if each not in asserted and each.free_symbols <= known]

    def condition(self) -> Condition | None:
        """What must be true of a call's sizes for the code to run; None if nothing was assumed.

        Raises:
            BakedSizes: it is not true of typical sizes, or a call does not show whether it is.
        """
        formulas = [each for each in (*self._inputs.granted, *self.noted) if each.free_symbols]
        for formula in formulas:
            self._require_typical(formula)
        return condition_of(formulas, self._inputs.sources) if formulas else None

    def _require_typical(self, formula: Any) -> None:  # noqa: ANN401 - a formula of sympy, which has no types
        if not formula.free_symbols <= self._inputs.sources.keys() or not self._inputs.examples:
            raise BakedSizes(f"the compiler assumed {formula}, and no argument shows whether that is true")
        for sizes in self._inputs.examples:
            if not is_true(formula, sizes):
                named = ", ".join(f"{symbol} = {sizes[symbol]}" for symbol in sorted(formula.free_symbols, key=str))
                raise BakedSizes(f"the compiler assumed {formula}, which {named} breaks")


@contextmanager
def _past_torchs_caches(values: Sequence[Any]) -> Iterator[None]:
    """A compile in it finds nothing in the caches of AOTAutograd and Inductor, if sizes have values.

    What is found there comes with the guards on sizes that are arguments; those on sizes that only tensors show are
    lost (torch 2.13, `_filter_backed_symints`), and the code would run where it must not. C++ kernels are found again.
    """
    settings = torch.compiler.config
    tag = f"{settings.cache_key_tag}|{uuid.uuid4().hex}" if has_values(values) else settings.cache_key_tag
    with cast("Any", settings).patch(cache_key_tag=tag):
        yield


def _asserted(environment: ShapeEnv) -> set[Any]:
    return {each.expr for found in environment.deferred_runtime_asserts.values() for each in found}


def needs_a_size(error: BaseException) -> bool:
    """Whether a compile failed because a decision would have needed the value of a symbolic size."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, GuardOnDataDependentSymNode):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
