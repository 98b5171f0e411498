"""One call of an operation on its way to the tape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from suite.emulator.errors import HostSyncRefused
from suite.emulator.internals import run_kernel
from suite.emulator.ledger import Ledger
from suite.emulator.memory import BornBlock, Place
from suite.emulator.nature import Nature
from suite.emulator.placement import Runner
from suite.emulator.refusals import refused_operation
from suite.emulator.sites import Site
from suite.emulator.tape import SELF, Entry


class _Watcher(TorchDispatchMode):
    """Looks into operations that are not torch's own: nothing is taped there, but syncs are refused."""

    def __init__(self, runner: Runner) -> None:
        TorchDispatchMode.__init__(self)
        self._runner = runner

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
            self._runner.refuse(HostSyncRefused, refusal)
        return func(*args, **(kwargs or {}))


class Call:
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

    def place(self, tensor: Tensor, ledger: Ledger) -> Place:
        """Where a tensor lies that the call uses."""
        return ledger.place(tensor, site=self.site, operation=self.nature.full_name)

    def run(self, runner: Runner) -> object:
        """Execute the operation."""
        if self.nature.foreign:
            with _Watcher(runner):
                return run_kernel(self.func, self.args, self.kwargs)
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
        if isinstance(value, Tensor):
            if self.nature.metadata_only:
                return SELF
            place = self.place(value, ledger)
            self._reads.append(place)
            return place
        if isinstance(value, list):
            return [self._placed(each, ledger) for each in value]
        if isinstance(value, tuple):
            return tuple(self._placed(each, ledger) for each in value)
        return value
