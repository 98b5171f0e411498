"""A condition on the sizes of a call: compiled code runs where it holds, and nowhere else (BUG-C17)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import torch
from torch.utils._sympy.printers import PythonPrinter

from reference.compilation.splitting import SizeSource

_NAMES = {"__builtins__": {}, "min": min, "max": max, "math": math, "torch": torch}
"""What a formula of torch may call."""


@dataclass(frozen=True)
class Condition:
    """Formulas over sizes that are read from the arguments of a call; plain data, so that it can be kept on disk."""

    formulas: tuple[str, ...]
    """Python expressions over names of sizes; all must be true."""
    sizes: tuple[tuple[str, SizeSource], ...]
    """Where each name is read."""
    _code: CodeType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_code", compile(str(self), "<condition>", "eval"))

    def __str__(self) -> str:
        return " and ".join(f"({each})" for each in self.formulas) or "True"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.formulas, self.sizes)

    def holds(self, args: Sequence[object]) -> bool:
        """Whether the sizes of a call fulfil all formulas; a division by a size of 0 fulfils none."""
        try:
            return bool(eval(self._code, _NAMES, {name: int(source.read(args)) for name, source in self.sizes}))
        except ZeroDivisionError:
            return False


def condition_of(formulas: Sequence[Any], sources: dict[Any, SizeSource]) -> Condition:
    """The condition that symbolic formulas are true, of which every symbol has a source."""
    symbols = sorted({symbol for each in formulas for symbol in each.free_symbols}, key=str)
    printed = dict.fromkeys(PythonPrinter().doprint(each) for each in formulas)
    return Condition(tuple(printed), tuple((str(symbol), sources[symbol]) for symbol in symbols))
