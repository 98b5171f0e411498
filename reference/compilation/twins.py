"""Functions made twice."""

from __future__ import annotations

import types


def twin_of(function: types.FunctionType) -> types.FunctionType:
    """The same function over a code object of its own, so that torch keeps what it traces of the two apart."""
    twin = types.FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__dict__.update(function.__dict__)
    twin.__qualname__ = function.__qualname__
    return twin
