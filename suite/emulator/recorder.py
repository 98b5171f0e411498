"""The mode under which a capture runs: every operation is executed for its shapes, and written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from suite.emulator.errors import (
    CaptureRefused,
    HostCopyRefused,
    HostSyncRefused,
    NotEmulated,
    UnregisteredGenerator,
)
from suite.emulator.internals import storage_key
from suite.emulator.ledger import Ledger, alias
from suite.emulator.memory import BornBlock, Place, place_of
from suite.emulator.nature import Nature, nature_of, tensors_in, tensors_with_paths
from suite.emulator.placement import Placement
from suite.emulator.refusals import Refusal, refused_operation
from suite.emulator.sites import Site, current_site
from suite.emulator.tape import SELF, Entry


@dataclass
class CaptureFault:
    """An error to be raised once `after` operations are on the tape."""

    after: int
    error: Exception


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
        self._generators = (torch.default_generator, *generators)
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
                decomposed = func.decompose(*args, **kwargs)
            if decomposed is not NotImplemented:
                return decomposed
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
            raise fault.error

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
        call = _Call(func, nature, args, kwargs, site=current_site())
        call.find_places(self.ledger)
        written = list(tensors_in(list(nature.written(args, kwargs))))
        if nature.layout_only:
            return self._change_layout(call, written)
        for tensor in written:
            self.ledger.about_to_write(tensor)
        result = call.run(self)
        return self._tape(call, result, written)

    def _view(self, func: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Views look at memory and do nothing to it: not taped, but what they look at is taken note of."""
        for tensor in tensors_in(args):
            self.ledger.meet(tensor, operation=str(func))
        return func(*args, **kwargs)

    def _tape(self, call: _Call, result: object, written: list[Tensor]) -> object:
        fresh = [found for found in tensors_with_paths(result) if not self.ledger.knows(found[1])]
        if fresh:
            result, homes = self._house(result, fresh, call)
        else:
            homes = []
        if not (fresh or written or call.nature.asserts):
            return result
        results = tuple((path, place_of(tensor, span=block.span)) for path, tensor, block in homes)
        name = call.nature.full_name
        writes = tuple(self.ledger.place(each, site=call.site, operation=name) for each in written)
        unwritten = homes[0][2] if call.nature.leaves_unwritten else None
        self.entries.append(call.entry(results, writes=writes, unwritten=unwritten))
        return result

    def _house(
        self, result: object, fresh: list[tuple[tuple[int, ...], Tensor]], call: _Call
    ) -> tuple[object, list[tuple[tuple[int, ...], Tensor, BornBlock]]]:
        """Move results in new memory into the pool; the same structure with the pool's tensors."""
        first: dict[int, Tensor] = {}
        homes: list[tuple[tuple[int, ...], Tensor, BornBlock]] = []
        moved: dict[tuple[int, ...], Tensor] = {}
        for path, real in fresh:
            sibling = first.get(storage_key(real))
            if sibling is None:
                tensor = self.ledger.bear(real, site=call.site, keep_values=not call.nature.leaves_unwritten)
                first[storage_key(real)] = tensor
            else:
                tensor = alias(sibling, real=real)
            moved[path] = tensor
            homes.append((path, tensor, self.ledger.block_of(tensor)))
        return _replaced(result, moved, ()), homes

    def _bake(self, func: OpOverload, args: Sequence[object]) -> object:
        source = args[0]
        if not isinstance(source, Tensor) or self.ledger.knows(source):
            return source
        self.note_baked("a tensor made of Python data")
        site = current_site()
        tensor = self.ledger.bear(source, site=site)
        place = place_of(tensor, span=self.ledger.block_of(tensor).span)
        constant = source.detach().clone()
        self.entries.append(Entry(func, (), {}, (((), place),), (), (), site, constant=constant))
        return tensor

    def _change_layout(self, call: _Call, written: list[Tensor]) -> object:
        result = call.func(*call.args, **call.kwargs)
        if any(self.ledger.moved(tensor) for tensor in written):
            reason = "it moves a storage; allocate the final size instead"
            self.refuse(NotEmulated, Refusal(call.nature.full_name, reason))
        return result

    def _check_generators(self, func: OpOverload, values: Sequence[object]) -> None:
        for value in values:
            if isinstance(value, torch.Generator) and all(value is not known for known in self._generators):
                reason = "its generator is not registered with the graph, so replays would not advance it"
                self.refuse(UnregisteredGenerator, Refusal(str(func), reason))


class _Watcher(TorchDispatchMode):
    """Looks into operations that are not torch's own: nothing is taped there, but syncs are refused."""

    def __init__(self, recorder: Recorder) -> None:
        TorchDispatchMode.__init__(self)
        self._recorder = recorder

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Refuse what CUDA would refuse, run the rest."""
        refusal = refused_operation(func, args, kwargs or {})
        if refusal is not None:
            self._recorder.refuse(HostSyncRefused, refusal)
        return func(*args, **(kwargs or {}))


class _Call:
    """One call on its way to the tape."""

    def __init__(
        self,
        func: OpOverload,
        nature: Nature,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        *,
        site: Site,
    ) -> None:
        self.func, self.nature, self.args, self.kwargs, self.site = func, nature, args, kwargs, site
        self._reads: list[Place] = []
        self._placed_args: list[object] = []
        self._placed_kwargs: dict[str, object] = {}

    def find_places(self, ledger: Ledger) -> None:
        """Note where all arguments lie, before anything runs."""
        self._placed_args = [self._placed(value, ledger) for value in self.args]
        self._placed_kwargs = {name: self._placed(value, ledger) for name, value in self.kwargs.items()}

    def run(self, recorder: Recorder) -> object:
        """Execute the operation."""
        if self.nature.foreign:
            with _Watcher(recorder):
                return self.func(*self.args, **self.kwargs)
        return self.func(*self.args, **self.kwargs)

    def entry(
        self,
        results: tuple[tuple[tuple[int, ...], Place], ...],
        *,
        writes: tuple[Place, ...],
        unwritten: BornBlock | None,
    ) -> Entry:
        """The call as the tape keeps it."""
        reads = tuple(self._reads)
        args, kwargs = self._placed_args, self._placed_kwargs
        return Entry(self.func, args, kwargs, results, reads, writes, self.site, unwritten=unwritten)

    def _placed(self, value: object, ledger: Ledger) -> object:
        if isinstance(value, Tensor) and self.nature.metadata_only:
            return SELF
        if isinstance(value, Tensor):
            place = ledger.place(value, site=self.site, operation=self.nature.full_name)
            self._reads.append(place)
            return place
        if isinstance(value, list):
            return [self._placed(each, ledger) for each in value]
        if isinstance(value, tuple):
            return tuple(self._placed(each, ledger) for each in value)
        return value


def _replaced(value: object, moved: Mapping[tuple[int, ...], Tensor], path: tuple[int, ...]) -> object:
    if path in moved:
        return moved[path]
    if isinstance(value, list):
        return [_replaced(each, moved, (*path, index)) for index, each in enumerate(value)]
    if isinstance(value, tuple):
        return tuple(_replaced(each, moved, (*path, index)) for index, each in enumerate(value))
    return value
