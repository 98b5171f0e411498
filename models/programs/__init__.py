"""Programs: tiny modules with weights that follow from a name, each hard for a compiler in a way of its own.

Importing this package imports neither transformers nor a tower; `program` imports what it needs.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from typing import cast

from torch import Tensor, nn

from models.programs import likenesses
from models.programs.arguments import VARIABLE, VARIANTS, Environment, Optional, Scalar
from models.programs.blocks import Block, Constants, Seams
from models.programs.layouts import Aliases, Dtypes, Mutates, Outputs, Strided, View
from models.programs.program import MakesInputs, Program
from models.programs.rows import rows, rows_of_items
from models.programs.seam import SEAM

__all__ = [
    "LIKENESSES",
    "NAMES",
    "SMALL",
    "VARIABLE",
    "VARIANTS",
    "Program",
    "UnknownProgram",
    "build",
    "environment",
    "inputs",
]


class UnknownProgram(ValueError):
    """No program has this name: the text lists those that exist."""


def _small(
    name: str,
    module: type[nn.Module],
    *bakes: str,
    seams: tuple[str, ...] = (SEAM,),
    make: MakesInputs = rows,
    others: tuple[str, ...] = (),
) -> Program:
    dynamic = dict.fromkeys(("rows", *others), 0)
    return Program(
        name=name,
        module=module,
        inputs=make,
        size="rows",
        dynamic=dynamic,
        seams=seams,
        bakes=frozenset(bakes),
        items="offsets" in dynamic,
    )


SMALL: dict[str, Program] = {
    each.name: each
    for each in (
        _small("block", Block, "scale", "depth", make=rows_of_items, others=("offsets",)),
        _small("constants", Constants, "scale", "depth"),
        _small("seams", Seams, "scale"),
        _small("view", View),
        _small("aliases", Aliases),
        _small("mutates", Mutates, "scale"),
        _small("strided", Strided),
        _small("dtypes", Dtypes),
        _small("outputs", Outputs, "scale"),
        _small("optional", Optional, "optional", others=("bias",)),
        _small("scalar", Scalar, "scale", seams=()),
        _small("environment", Environment, "environment", seams=()),
    )
}
"""Programs that are traced in milliseconds."""
LIKENESSES: dict[str, Program] = {
    each.name: each
    for each in (
        _small("twin", likenesses.Twin, "scale", seams=()),
        _small("namesake", likenesses.Scalar, "scale", seams=(), make=likenesses.wide_rows),
    )
}
"""Programs that look like `scalar`: for laws about what tells programs apart."""
NAMES = (*SMALL, *LIKENESSES, "decoder", "tower")


def program(name: str, *, family: str = "toy") -> Program:
    """The program of that name; the family matters to `tower` alone.

    Raises:
        UnknownProgram: there is none.
        UnknownFamily: there is no such family.
    """
    if name in SMALL or name in LIKENESSES:
        return SMALL.get(name) or LIKENESSES[name]
    if name == "decoder":
        return cast(Program, importlib.import_module(f"{__name__}.decoder").DECODER)
    if name == "tower":
        return _tower(family)
    raise UnknownProgram(f"no program {name!r}: choose one of {', '.join(NAMES)}")


@cache
def _tower(family: str) -> Program:
    # Only when a tower is asked for: the first one imports transformers, which takes seconds.
    return cast(Program, importlib.import_module(f"{__name__}.tower").tower(family))


def build(name: str, *, family: str = "toy", scale: float = 1.0, depth: int = 1, instance: int = 0) -> nn.Module:
    """One instance of a program in plain eager. Equal arguments give equal weights.

    Raises:
        UnknownProgram: there is none of that name.
    """
    return program(name, family=family).build(scale=scale, depth=depth, instance=instance)


def inputs(
    name: str, sizes: Sequence[int], *, seed: int = 0, optional: bool = False, family: str = "toy"
) -> dict[str, Tensor]:
    """Keyword arguments of the program's forward, fresh tensors on every call; `optional` where it has such a one.

    Raises:
        UnknownProgram: there is none of that name.
        ValueError: the program has no item of such a size.
    """
    known = program(name, family=family)
    return known.inputs(sizes, seed=seed, optional=optional and "optional" in known.bakes)


@contextlib.contextmanager
def environment(value: str) -> Iterator[None]:
    """A process whose environment says which variant is meant; what it said before is put back."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
