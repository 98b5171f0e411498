"""Which modules Python runs is seen, and compiled ones are not among them."""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable
from types import FunctionType
from typing import cast

import torch
from torch import Tensor, nn

from suite.oracles.running import forward_code, inside, running

Forward = Callable[..., Tensor]


class _Outer(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.last = nn.Linear(4, 4)

    def forward(self, rows: Tensor) -> Tensor:
        made: Tensor = self.last(self.inner(rows))
        return made


class _Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)

    def forward(self, rows: Tensor) -> Tensor:
        return torch.relu(self.first(rows))


def _ran(model: nn.Module, plain: nn.Module | None = None) -> Counter[str]:
    with torch.no_grad():
        model(torch.ones(2, 4))
        with running(model, plain) as ran:
            model(torch.ones(2, 4))
    return ran


def test_eager_modules_run() -> None:
    """Each once, and the profiler of before is there again."""
    before = sys.getprofile()
    assert _ran(_Outer(_Inner())) == {"": 1, "inner": 1, "inner.first": 1, "last": 1}
    assert sys.getprofile() is before


def test_compiled_modules_do_not_run() -> None:
    """Nor do those below them; what is beside them does."""
    model = _Outer(_Inner())
    model.inner.forward = torch.compile(model.inner.forward, backend="eager")
    assert set(_ran(model, _Outer(_Inner()))) == {"", "last"}
    torch.compiler.reset()


def test_what_the_compiler_gives_up_runs() -> None:
    """A graph break lets the modules around it run, or what is left of them; the whole is no compiled module."""

    class Breaks(_Inner):
        forward = cast(Forward, torch.compiler.disable(_Inner.forward))

    model = _Outer(Breaks())
    model.inner.forward = torch.compile(model.inner.forward, backend="eager")
    assert {"inner", "inner.first"} <= set(_ran(model))
    torch.compiler.reset()


def test_wrappers_are_not_taken_for_forwards() -> None:
    """A wrapper that says what it wraps, and one that does not."""

    def silent(forward: Forward) -> Forward:
        return lambda self, rows: forward(self, rows)

    def loud(forward: Forward) -> Forward:
        return cast(Forward, functools.wraps(forward)(lambda _, rows: rows * 0.0))

    class Said(_Inner):
        forward = loud(_Inner.forward)

    class Unsaid(_Inner):
        forward = silent(_Inner.forward)

    assert "inner" not in _ran(_Outer(Said()))
    assert "inner" in _ran(_Outer(Unsaid()), _Outer(_Inner()))
    assert forward_code(Said) is forward_code(_Inner)


def test_inside() -> None:
    """A root has itself and what is below it, by whole names."""
    paths = Counter(["", "a", "a.b", "ab"])
    assert inside(paths, ("a",)) == {"a", "a.b"}
    assert inside(paths, ()) == set()
    assert inside(paths, ("",)) == {"", "a", "a.b", "ab"}


def test_what_is_beside_is_left_out() -> None:
    """A module and all that it calls; the same modules count when somebody else calls them."""
    model = _Outer(_Inner())
    inner = cast(_Inner, model.inner)
    with torch.no_grad(), running(model, besides=("inner",)) as ran:
        model(torch.ones(2, 4))
        inner.first(torch.ones(2, 4))
    assert ran == {"": 1, "last": 1, "inner.first": 1}


def test_code_with_odd_constants_is_passed_by() -> None:
    """Dynamo makes code whose constants cannot be hashed."""

    def plain() -> None:
        """Nothing."""

    code = plain.__code__.replace(co_consts=(*plain.__code__.co_consts, cast(None, {})))
    model = _Outer(_Inner())
    with running(model) as ran:
        FunctionType(code, {})()
    assert not ran
