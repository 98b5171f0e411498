"""Class trees twice: one for the subject, one that nobody decorates, and whose forwards of theirs Python runs."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor, nn

from models.class_trees import FAILS, WIDTH, ClassTree, Shape, arguments, class_tree
from suite.contract.decoration import Build, Call, TreeSpec
from suite.oracles.running import forward_code

GIVEN = "lockstep_class_tree"
"""Name of the module whose classes the subject is given."""
PLAIN = "lockstep_plain_class_tree"
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def shape_of(spec: TreeSpec) -> Shape:
    """What the specification says."""
    return Shape(spec.depth, spec.forward, spec.annotation, frozenset(spec.features))


@dataclass(frozen=True)
class Trees:
    """The subject's tree and its plain twin, equal in everything but the name of their module."""

    given: ClassTree
    plain: ClassTree


@contextlib.contextmanager
def two_trees(spec: TreeSpec) -> Iterator[Trees]:
    """Both trees, made afresh; their modules are there for the time of the block."""
    shape = shape_of(spec)
    with class_tree(GIVEN, shape) as given, class_tree(PLAIN, shape) as plain:
        yield Trees(given, plain)


def arguments_of(spec: TreeSpec, call: Call) -> Arguments:
    """Fresh arguments of one call, the same values each time."""
    times = FAILS if call.fails else None
    return arguments(shape_of(spec), call.rows, seed=call.seed, form=call.form, times=times)


def construction(build: Build) -> Arguments:
    """Arguments of the constructor, of which some have names that a decorator may want for itself."""
    return (WIDTH, build.seed), {"prefix": "tower", "config": f"seed {build.seed}"}


def answer(module: nn.Module, given: Arguments) -> Tensor:
    """What a call of a plain module gives, in inference."""
    args, kwargs = given
    with torch.no_grad():
        made: Tensor = module(*args, **kwargs)
    return made


def form_of(value: object) -> str:
    """Dtype and shape of an answer, or what else it is."""
    return f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__qualname__}"


@contextlib.contextmanager
def forwards_run(classes: Iterable[type[nn.Module]]) -> Iterator[Counter[str]]:
    """Counts, by class, how often Python runs the forwards that plain classes define, whoever calls them.

    Code is known by what it says, not by which tree it is of: compiled code says something else.
    """
    codes: dict[CodeType, str] = {}
    for cls in classes:
        code = forward_code(cls) if "forward" in vars(cls) else None
        if code is not None:
            codes.setdefault(code, cls.__qualname__.rpartition(".")[2])
    ran: Counter[str] = Counter()

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in codes:
            ran[codes[frame.f_code]] += 1

    before: Callable[..., object] | None = sys.getprofile()
    sys.setprofile(see)
    try:
        yield ran
    finally:
        sys.setprofile(before)
