"""The mode under which a capture runs: every operation is executed for its shapes, and written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from suite.emulator.call import Call
from suite.emulator.errors import (
    CaptureRefused,
    HostCopyRefused,
    HostSyncRefused,
    NotEmulated,
    UnregisteredGenerator,
)
from suite.emulator.internals import generator_key, run_composite, storage_key
from suite.emulator.ledger import Ledger, alias
from suite.emulator.memory import BornBlock, place_of
from suite.emulator.nature import nature_of, tensors_in, tensors_with_paths
from suite.emulator.placement import Placement
from suite.emulator.refusals import Refusal, refused_operation
from suite.emulator.sites import Site, current_site
from suite.emulator.tape import Entry

_Home = tuple[tuple[int, ...], Tensor, BornBlock]
"""Where in a result, the model's tensor there, and its block."""


@dataclass
class CaptureFault:
    """An error to be raised once `after` operations are on the tape."""

    after: int
    error: Exception

    def strike(self) -> NoReturn:
        """Raise the error, without keeping it: its traceback would keep the memory of the capture alive."""
        error = self.error
        self.error = Exception("struck already")
        try:
            raise error
        finally:
            del error


@dataclass
class Notes:
    """What a capture leaves for the device's facts."""

    refused: list[str] = field(default_factory=list)
    baked: list[Site] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)


class Recorder(TorchDispatchMode):
    """Runs and tapes the operations of one capture (rules R1-R9)."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        placement: Placement,
        notes: Notes,
        strict_host_numbers: bool = False,
        generators: Sequence[torch.Generator] = (),
        fault: CaptureFault | None = None,
    ) -> None:
        TorchDispatchMode.__init__(self)
        self.ledger = ledger
        self.placement = placement
        self.entries: list[Entry] = []
        self.notes = notes
        self.capturing = True
        self.assigning = 0
        """Depth of `tensor[...] = number` calls: their number is a kernel's argument, not a baked tensor."""
        self._strict = strict_host_numbers
        self._generators = {generator_key(each) for each in (torch.default_generator, *generators)}
        self._fault = fault

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Execute one operation and put it on the tape."""
        kwargs = kwargs or {}
        if nature_of(func).composite:
            with self:
                return run_composite(func, args, kwargs)
        return self.placement.translate(func, args, kwargs, self)

    def keep(self, scalar: Tensor) -> Tensor:
        """A copy of a host scalar, which a kernel gets by value: baked (rule R6)."""
        kept = scalar.detach().clone()
        self.ledger.constants.append(kept)
        self.notes.baked.append(current_site())
        return kept

    def refuse(self, kind: type[CaptureRefused], refusal: Refusal) -> NoReturn:
        """Spoil the capture and raise.

        Raises:
            CaptureRefused: always, of the given kind.
        """
        text = f"{refusal.operation} at {current_site()} is refused in a capture: {refusal.reason}"
        self.notes.refused.append(text)
        self.notes.spoiled.append(text)
        raise kind(text)

    def strike(self, *, closing: bool = False) -> None:
        """Raise the armed fault once its time has come; at the end of the capture it has."""
        fault = self._fault
        if fault is not None and (closing or len(self.entries) >= fault.after):
            self._fault = None
            fault.strike()

    def note_baked(self, operation: str) -> None:
        """Count Python data that becomes a tensor (rule R6), or refuse it where that is asked for."""
        if self.assigning:
            return
        self.notes.baked.append(current_site())
        if self._strict:
            reason = "it copies Python numbers from pageable memory; fill a static buffer before the capture"
            self.refuse(HostCopyRefused, Refusal(operation, reason))

    def execute(self, func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Run and tape one operation on CPU tensors."""
        if self._fault is not None:
            self.strike()
        nature = nature_of(func)
        refusal = refused_operation(func, args, kwargs)
        if refusal is not None:
            self.refuse(HostSyncRefused, refusal)
        if nature.seeded:
            self._check_generators(func, (*args, *kwargs.values()))
        if nature.bakes_host_data:
            return self._bake(func, args)
        if nature.is_view:
            return self._view(func, args, kwargs)
        call = Call(func, nature, args, kwargs, site=current_site())
        call.find_places(self.ledger)
        written = tensors_in(nature.written(args, kwargs)) if nature.writes else []
        if nature.layout_only:
            return self._change_layout(call, written)
        for tensor in written:
            self.ledger.about_to_write(tensor)
        result = call.run(self)
        return self._tape(call, result, written)

    def _view(self, func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Views look at memory and do nothing to it: not taped, but what they look at is taken note of."""
        for tensor in tensors_in(args):
            if not self.ledger.knows(storage_key(tensor)):
                self.ledger.place(tensor, site=current_site(), operation=str(func))
        return func(*args, **kwargs)

    def _tape(self, call: Call, result: object, written: list[Tensor]) -> object:
        homes = [] if result is None else self._house(result, call)
        if not (homes or written or call.nature.asserts):
            return result
        results = tuple([(path, place_of(tensor, span=born.span)) for path, tensor, born in homes])
        writes = tuple([call.place(each, self.ledger) for each in written])
        unwritten = homes[0][2] if call.nature.leaves_unwritten else None
        self.entries.append(call.entry(results, writes=writes, unwritten=unwritten))
        return _replaced(result, {path: tensor for path, tensor, _ in homes}, ()) if homes else result

    def _house(self, result: object, call: Call) -> list[_Home]:
        """Move results in new memory into the pool."""
        first: dict[int, tuple[Tensor, BornBlock]] = {}
        homes: list[_Home] = []
        for path, real in tensors_with_paths(result):
            key = storage_key(real)
            if key in first:
                tensor, born = first[key]
                tensor = alias(tensor, real=real)
            elif self.ledger.knows(key):
                continue
            else:
                tensor, born = self.ledger.bear(real, site=call.site, keep_values=not call.nature.leaves_unwritten)
                first[key] = tensor, born
            homes.append((path, tensor, born))
        return homes

    def _bake(self, func: OpOverload, args: Sequence[object]) -> object:
        source = args[0]
        if not isinstance(source, Tensor) or self.ledger.knows(storage_key(source)):
            return source
        self.note_baked("a tensor made of Python data")
        site = current_site()
        tensor, born = self.ledger.bear(source, site=site)
        place = place_of(tensor, span=born.span)
        constant = source.detach().clone()
        self.entries.append(Entry(func, (), {}, (((), place),), (), (), site, constant=constant))
        return tensor

    def _change_layout(self, call: Call, written: list[Tensor]) -> object:
        result = call.func(*call.args, **call.kwargs)
        if any(self.ledger.moved(tensor) for tensor in written):
            reason = "it moves a storage; allocate the final size instead"
            self.refuse(NotEmulated, Refusal(call.nature.full_name, reason))
        return result

    def _check_generators(self, func: OpOverload, values: Sequence[object]) -> None:
        for value in values:
            if isinstance(value, torch.Generator) and generator_key(value) not in self._generators:
                reason = "its generator is not registered with the graph, so replays would not advance it"
                self.refuse(UnregisteredGenerator, Refusal(str(func), reason))


def _replaced(value: object, moved: Mapping[tuple[int, ...], Tensor], path: tuple[int, ...]) -> object:
    if path in moved:
        return moved[path]
    if isinstance(value, list):
        return [_replaced(each, moved, (*path, index)) for index, each in enumerate(value)]
    if isinstance(value, tuple):
        return tuple(_replaced(each, moved, (*path, index)) for index, each in enumerate(value))
    return value
