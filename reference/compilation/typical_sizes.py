"""Sizes that a call of a program may well have, found from what is known of its symbols.

A compiler that wants to know a size is told a typical one: neither 0 nor 1, nor equal to another by chance, nor that of
the first call, so that the code is the same whatever came first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import sympy
from torch import SymInt, Tensor
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from reference.compilation.ranges import CompileRange
from reference.compilation.splitting import SizeSource

Sizes = dict[Any, int]
"""By symbol."""
LARGE = 4096
"""A typical number of rows; a multiple of what rows are merged by."""
SHARES = (*((above, 2**power) for power in range(7) for above in (1, 3)), (2, 1), (4, 1), (8, 1), (16, 1))
"""What sizes that depend on each other are of each other."""
UNRELATED = (1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049, 1051, 1061, 1063, 1069)
"""Primes, for sizes that depend on nothing."""
MOST_TRIED = 64


def symbols_of(values: Sequence[Any]) -> list[Any]:
    """The symbols in the sizes, strides and numbers among example inputs, in the order of their names."""
    found: set[Any] = set()
    for size in chain.from_iterable(map(_numbers, values)):
        found |= size.node.expr.free_symbols if isinstance(size, SymInt) else set()
    return sorted(found, key=lambda symbol: (len(str(symbol)), str(symbol)))


def _numbers(value: object) -> Sequence[object]:
    if isinstance(value, Tensor):
        return (*value.shape, *value.stride(), value.storage_offset())
    return (value,)


def sources_of(values: Sequence[Any]) -> dict[Any, SizeSource]:
    """Where each symbol stands alone among example inputs: as a number, else as a dimension of a tensor."""
    found: dict[Any, SizeSource] = {}
    for position, value in enumerate(values):
        for dim, size in enumerate(value.shape if isinstance(value, Tensor) else ()):
            if isinstance(size, SymInt) and size.node.expr.is_symbol:
                found.setdefault(size.node.expr, SizeSource(position, dim))
    for position, value in enumerate(values):
        if isinstance(value, SymInt) and value.node.expr.is_symbol:
            found[value.node.expr] = SizeSource(position)
    return found


def facts_of(environment: ShapeEnv, symbols: Sequence[Any]) -> list[Any]:
    """Formulas over these symbols alone that the program's own guards and assertions make true."""
    asserted = (each.expr for found in environment.deferred_runtime_asserts.values() for each in found)
    formulas: list[Any] = [*(guard.expr for guard in environment.guards), *asserted]
    known = [each.xreplace(environment.replacements) for each in formulas]
    return [fact for fact in known if fact.free_symbols and fact.free_symbols <= set(symbols)]


class TypicalSizes:
    """Finds sizes for all symbols at once, under which all facts are true."""

    def __init__(self, symbols: Sequence[Any], facts: Sequence[Any], *, main: object | None) -> None:
        self.symbols = list(symbols)
        self.facts = list(facts)
        self.main = main
        self.groups = self._groups()

    def examples(self, compile_range: CompileRange) -> list[Sizes]:
        """Up to two, the better one first; in both, the main size is of the range and the others differ too."""
        found: list[Sizes] = []
        for size in _large_sizes(compile_range):
            sizes = self._all(size, number=len(found))
            if sizes is not None:
                found.append(sizes)
            if len(found) == (1 if compile_range.is_single_size else 2):
                break
        return found

    def _groups(self) -> list[list[Any]]:
        """Symbols that facts tie together, the one that decides first."""
        groups = [[symbol] for symbol in self.symbols]
        for fact in self.facts:
            tied = [group for group in groups if not fact.free_symbols.isdisjoint(group)]
            groups = [group for group in groups if group not in tied] + [list(chain.from_iterable(tied))]
        return [sorted(group, key=lambda symbol: (symbol != self.main, -self._mentions(symbol))) for group in groups]

    def _mentions(self, symbol: object) -> int:
        return sum(symbol in fact.free_symbols for fact in self.facts)

    def _all(self, main_size: int, *, number: int) -> Sizes | None:
        sizes: Sizes = {}
        for group in self.groups:
            place = self.symbols.index(group[0]) + number * (len(self.symbols) + 1)
            firsts = [main_size] if self.main in group else [UNRELATED[place % len(UNRELATED)], LARGE]
            solved = next((found for first in firsts if (found := self._solved(group, {group[0]: first}))), None)
            if solved is None:
                return None
            sizes |= solved
        return sizes

    def _solved(self, group: list[Any], sizes: Sizes) -> Sizes | None:
        """Extends sizes to a whole group, or says that it cannot be done."""
        if not self._agree(sizes):
            return None
        if len(sizes) == len(group):
            return sizes
        first = sizes[group[0]]
        shares = (first * above // below for above, below in SHARES if first * above % below == 0)
        extended = (self._solved(group, {**sizes, group[len(sizes)]: size}) for size in shares)
        return next((found for found in extended if found is not None), None)

    def _agree(self, sizes: Sizes) -> bool:
        """Whether all facts that speak of these sizes alone, the last among them, are true."""
        last = next(reversed(sizes))
        spoken = [fact for fact in self.facts if last in fact.free_symbols and fact.free_symbols <= sizes.keys()]
        return all(is_true(fact, sizes) for fact in spoken)


def is_true(formula: Any, sizes: Sizes) -> bool:  # noqa: ANN401 - a formula of sympy, which has no types
    """Whether a formula is true for some sizes; one that divides by 0 is not."""
    try:
        return str(formula.xreplace({symbol: sympy.Integer(size) for symbol, size in sizes.items()})) == "True"
    except ZeroDivisionError:
        return False


def _large_sizes(compile_range: CompileRange) -> Iterator[int]:
    """Sizes of a range from its far end; of an open range, large ones."""
    start, end = compile_range.start, compile_range.end
    if end is None:
        scale = 1
        while LARGE * scale < 2 * start:
            scale *= 2
        yield from (LARGE * scale, 3 * LARGE * scale // 2, 2 * LARGE * scale)
        return
    yield from range(end, max(start - 1, end - MOST_TRIED), -1)
