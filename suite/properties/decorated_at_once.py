"""Two threads that decorate, build and call at once, and what each of them got."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from suite.contract.decorating import Workbench
from suite.contract.decoration import Build, Decorate
from suite.contract.subject import Refused
from suite.contract.verdict import Verdict
from suite.oracles.class_trees import answer, construction
from suite.properties.decorated import Instance, Workshop
from suite.properties.served import not_compiled, not_plain

OFTEN = 1e-5
"""Seconds after which threads change turns: two that race meet."""


@dataclass(frozen=True)
class Got:
    """What one thread got: a class, an instance, and an answer to each call."""

    decoration: Decorate
    cls: type[nn.Module]
    module: nn.Module | None
    """None where the decoration was refused."""
    answers: tuple[object, ...] = ()

    def wrong(self, shop: Workshop) -> Verdict | None:
        """A violation if an answer is not eager's, or if what shall be compiled is not, or the reverse."""
        if self.module is None:
            return None
        args, kwargs = construction(Build(self.decoration.cls))
        twin = shop.twins[self.decoration.cls](*args, **kwargs)
        each = Instance(0, self.decoration.cls, self.module, twin, self.decoration.options)
        for call, got in zip(shop.calls(), self.answers, strict=True):
            if wrong := shop.unequal(f"{call} in one of two threads", got, answer(twin, shop.given(call))):
                return wrong
        call = next(shop.calls())
        return not_compiled(shop, each, call) if shop.compiles(each) else not_plain(shop, each, call)


def threads(shop: Workshop, decorations: Sequence[Decorate]) -> list[Got]:
    """Each decorates the tree's class, builds an instance and makes the case's calls."""
    with _turns_often():
        return shop.bench.at_once("two threads", [_work(shop, each) for each in decorations])


def _work(shop: Workshop, decoration: Decorate) -> Callable[[Workbench], Got]:
    original = shop.classes[decoration.cls]
    dims = shop.dims() if decoration.options.explicit else None
    args, kwargs = construction(Build(decoration.cls))

    def work(bench: Workbench) -> Got:
        try:
            cls = bench.decorate(original, decoration.options, dims)
        except Refused:
            return Got(decoration, original, None)
        module = bench.build(cls, args, kwargs)
        answers = []
        for call in shop.calls():
            given, named = shop.given(call)
            answers.append(module(*given, **named))
        return Got(decoration, cls, module, tuple(answers))

    return work


@contextlib.contextmanager
def _turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(OFTEN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
