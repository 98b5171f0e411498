"""Whose forward Python runs: a module that compiled code serves is not among them, whatever anybody says of it."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType

from torch import nn


@contextlib.contextmanager
def running(
    model: nn.Module, plain: nn.Module | None = None, *, besides: tuple[str, ...] = ()
) -> Iterator[Counter[str]]:
    """Counts, by path, how often the forward of each module below `model` is run by Python in the block.

    `plain` is a model of the same structure whose classes nobody has touched: theirs are the forwards that count, so
    that a wrapper around one is not taken for it. Dynamo runs other code than a class has, so what it compiled does
    not count; what it skipped or gave up does. Calls in other threads are not seen. While one of the modules
    `besides` runs, it and all that it calls are left out.
    """
    paths = {id(module): path for path, module in model.named_modules()}
    found = (forward_code(type(module)) for module in (plain or model).modules())
    # Known by identity: code that Dynamo makes may have constants that cannot be hashed.
    codes = {id(code): code for code in found if code is not None}
    ran: Counter[str] = Counter()
    beside: FrameType | None = None

    def see(frame: FrameType, event: str, _: object) -> None:
        nonlocal beside
        if event == "return" and frame is beside:
            beside = None
        elif event == "call" and beside is None and id(frame.f_code) in codes:
            path = paths.get(id(frame.f_locals.get(frame.f_code.co_varnames[0])))
            if path in besides:
                beside = frame
            elif path is not None:
                ran[path] += 1

    before: Callable[..., object] | None = sys.getprofile()
    sys.setprofile(see)
    try:
        yield ran
    finally:
        sys.setprofile(before)


def forward_code(cls: type[nn.Module]) -> CodeType | None:
    """The code of a class's forward, below all that is wrapped around it; None if it is not written in Python."""
    code = getattr(inspect.unwrap(cls.forward), "__code__", None)
    return code if isinstance(code, CodeType) and code.co_argcount else None


def inside(paths: Iterable[str], roots: tuple[str, ...]) -> set[str]:
    """Those of the paths that are one of the roots, or below one."""
    return {path for path in paths if any(root in ("", path) or path.startswith(f"{root}.") for root in roots)}
