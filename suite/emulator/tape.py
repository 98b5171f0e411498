"""What a capture recorded: operations on raw tensors at baked addresses, run again by every replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload

from suite.emulator.errors import ReplayFailed
from suite.emulator.external import External
from suite.emulator.internals import without_modes
from suite.emulator.ledger import Ledger
from suite.emulator.memory import BornBlock, Place, RawTensors, Span, unowned_tensors
from suite.emulator.poison import poison
from suite.emulator.sites import Site

_Run = Callable[[], object]


class _Self:
    """Stands for the result itself, where an operation only asks what its argument looks like."""


SELF = _Self()


class Entry(NamedTuple):
    """One taped operation, places instead of tensors. `results` are (path in the result, place) pairs."""

    operation: OpOverload
    args: Sequence[object]
    kwargs: Mapping[str, object]
    results: tuple[tuple[tuple[int, ...], Place], ...]
    reads: tuple[Place, ...]
    writes: tuple[Place, ...]
    site: Site
    constant: Tensor | None = None
    """Python data that the operation turned into a tensor: baked (rule R6)."""
    unwritten: BornBlock | None = None
    """The block that the operation leaves unwritten: the `empty` family (rule R8)."""

    def __str__(self) -> str:
        return f"{self.operation} at {self.site}"


class Step:
    """One entry over raw tensors, ready to run."""

    def __init__(self, entry: Entry, *, raw: RawTensors) -> None:
        self.entry = entry
        self.run = _runner(entry, raw)


@dataclass
class Tape:
    """All steps of one capture, the memory that they were born into and the memory that they expect."""

    steps: list[Step]
    externals: list[External]
    born: list[BornBlock]
    constants: list[Tensor]
    """Host scalars that kernels got by value; held, since nobody else does."""
    raw: RawTensors = field(default_factory=RawTensors)

    @staticmethod
    def bake(entries: Sequence[Entry], *, ledger: Ledger) -> Tape:
        """Turn places into raw tensors, once and for all (rule R2)."""
        raw = RawTensors()
        with unowned_tensors():
            steps = [Step(entry, raw=raw) for entry in entries]
        return Tape(steps=steps, externals=ledger.externals, born=ledger.born, constants=ledger.constants, raw=raw)

    def check(self) -> None:
        """Whether all memory from outside is where it was.

        Raises:
            DeadMemoryRead: some of it is not.
        """
        for external in self.externals:
            external.check()

    def run(self) -> None:
        """Run every step in order.

        Raises:
            ReplayFailed: an operation raised.
        """
        with replaying():
            for step in self.steps:
                try:
                    step.run()
                except Exception as error:
                    raise ReplayFailed(f"{step.entry} failed in a replay: {error}") from error

    def poison_born(self) -> None:
        """Overwrite all memory born in the capture with poison (rule R1)."""
        with unowned_tensors():
            for span in self.spans():
                poison(span.flat(torch.int16))

    def spans(self) -> Iterable[Span]:
        """The memory born in the capture, each address once: blocks are reused within a capture."""
        spans: dict[int, Span] = {}
        for born in self.born:
            known = spans.get(born.span.address)
            if known is None or known.nbytes < born.span.nbytes:
                spans[born.span.address] = born.span
        return spans.values()


@contextmanager
def replaying() -> Iterator[None]:
    """A replay is not seen by the modes that are on, and leaves no trace in autograd."""
    with without_modes(), unowned_tensors():
        yield


def _runner(entry: Entry, raw: RawTensors) -> _Run:
    if entry.unwritten is not None:
        words = entry.unwritten.span.flat(torch.int16)
        dtype = entry.results[0][1].dtype
        return lambda: poison(words, dtype)
    if entry.constant is not None:
        constant, target = entry.constant, raw.at(entry.results[0][1])
        return lambda: target.copy_(constant)
    outs = [(path, raw.at(place)) for path, place in entry.results]
    own = outs[0][1] if outs else None
    args = tuple([_raw_of(value, raw, own) for value in entry.args])
    kwargs = {name: _raw_of(value, raw, own) for name, value in entry.kwargs.items()}
    operation = entry.operation
    if not outs:
        return lambda: operation(*args, **kwargs)
    if len(outs) == 1 and outs[0][0] == ():
        out = outs[0][1]
        return lambda: out.copy_(operation(*args, **kwargs))
    return lambda: _store(operation(*args, **kwargs), outs)


def _store(result: object, outs: Sequence[tuple[tuple[int, ...], Tensor]]) -> None:
    for path, out in outs:
        out.copy_(at_path(result, path))


def at_path(result: object, path: tuple[int, ...]) -> Tensor:
    """The tensor at a path of indices in a nested result."""
    for index in path:
        if not isinstance(result, list | tuple):
            raise TypeError(f"no element {index} in a result of type {type(result).__name__}")
        result = result[index]
    if not isinstance(result, Tensor):
        raise TypeError(f"expected a tensor at {path}, got {type(result).__name__}")
    return result


def _raw_of(value: object, raw: RawTensors, own: Tensor | None) -> object:
    if value is SELF:
        return own
    if isinstance(value, Place):
        return raw.at(value)
    if isinstance(value, list):
        return [_raw_of(each, raw, own) for each in value]
    if isinstance(value, tuple):
        return tuple(_raw_of(each, raw, own) for each in value)
    return value
