"""How a fault gets into a decorated class: something of it is replaced right after it was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from reference.compilation.decorator import support_torch_compile, undecorated
from suite.faults import injection

Module = type[nn.Module]
Loose = Any
"""A class or an instance that was made at run time."""
Change = Callable[[Loose, Loose], None]
"""Called with the decorated class and the one that it was made from."""
_CHANGED = "_lockstep_changed"


def changed(change: Change) -> injection.MakeParts:
    """The reference, with something of each decorated class replaced."""

    def decorate(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
        made = support_torch_compile(cls, **options)
        # The same decoration again is the same class: it is changed once.
        if _CHANGED not in vars(made):
            setattr(made, _CHANGED, True)
            change(made, undecorated(made))
        return made

    return injection.decoration(decorate=decorate)


def otherwise(**wishes: Any) -> injection.MakeParts:  # noqa: ANN401 - the decorator's own
    """The reference, deaf to some options: these are in their place."""

    def decorate(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
        return support_torch_compile(cls, **{**options, **wishes})

    return injection.decoration(decorate=decorate)
