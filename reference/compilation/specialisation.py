"""Whether compiled code suits every size of its range: what a compiler assumed is tried at the borders (BUG-C17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

from torch import SymInt
from torch.fx.experimental import _config as shape_config
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from reference.compilation.fingerprint import shape_environment
from reference.compilation.ranges import EVERY_SIZE, CompileRange
from reference.compilation.splitting import SizeSource


class BakedSizes(RuntimeError):
    """Compiled code, or a compiler, that suits some sizes of its range only: the piece stays eager."""


@dataclass(frozen=True)
class Assumption:
    """A formula over symbolic sizes that a compiler took to be true."""

    formula: Any
    """A truth value in symbols, or what must be zero."""
    is_zero: bool = False

    def __str__(self) -> str:
        return f"{self.formula} = 0" if self.is_zero else str(self.formula)

    def holds(self, sizes: dict[Any, int]) -> bool:
        """Whether it is true, or at least not false, for some sizes."""
        result = self.formula.subs(sizes)
        return bool(result == 0 or result.free_symbols) if self.is_zero else str(result) != "False"


class SizeWatch:
    """Notes what is newly assumed about the symbolic sizes of example inputs while it watches.

    Bounds are remembered from before: a baked size narrows them.
    """

    def __init__(self, values: Sequence[Any], size: SizeSource | None) -> None:
        self._environment = shape_environment(values)
        main = None if size is None else size.read(values)
        self._main = main.node.expr if isinstance(main, SymInt) else None
        self._bounds: dict[Any, Any] = {} if self._environment is None else dict(self._environment.var_to_range)
        self.noted: list[Assumption] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A compile belongs into it."""
        environment = self._environment
        if environment is None:
            yield
            return
        guards, replacements = len(environment.guards), dict(environment.replacements)
        # Sizes 0 and 1 are sizes like others, whatever the first call had.
        with cast("Any", shape_config).patch(backed_size_oblivious=True):
            yield
        self.noted += [Assumption(guard.expr) for guard in environment.guards[guards:]]
        self.noted += [
            Assumption(symbol - other, is_zero=True)
            for symbol, other in environment.replacements.items()
            if replacements.get(symbol) != other
        ]

    def require_unbaked(self, compile_range: CompileRange) -> None:
        """Tries all that was noted at the borders of the range, and of what is known of sizes that have no range.

        Raises:
            BakedSizes: an assumption does not hold for all of them.
        """
        for assumption in self.noted:
            symbols = sorted(assumption.formula.free_symbols, key=str)
            for sizes in product(*(self._tried(symbol, compile_range) for symbol in symbols)):
                if not assumption.holds(dict(zip(symbols, sizes, strict=True))):
                    named = ", ".join(f"{symbol} = {value}" for symbol, value in zip(symbols, sizes, strict=True))
                    raise BakedSizes(f"the compiler assumed {assumption}, which {named} breaks")

    def _tried(self, symbol: object, compile_range: CompileRange) -> list[int]:
        """Borders of a range, moved to where the program's own guards let a size be."""
        borders = (compile_range if symbol == self._main else EVERY_SIZE).borders
        bounds = self._bounds.get(symbol)
        return sorted({size if bounds is None else int(min(max(size, bounds.lower), bounds.upper)) for size in borders})


def needs_a_size(error: BaseException) -> bool:
    """Whether a compile failed because a decision would have needed the value of a symbolic size."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, GuardOnDataDependentSymNode):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
