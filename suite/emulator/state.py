"""What the graphs of one device share: pools, counters, armed faults."""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass, field

from suite.emulator import open_capture
from suite.emulator.external import BirthRegister
from suite.emulator.facts import BakedNumbers, Escape, Facts
from suite.emulator.memory import Pool
from suite.emulator.placement import Placement
from suite.emulator.recorder import CaptureFault, Notes


@dataclass(frozen=True)
class PoolKey:
    """A pool handle: means something to the device that made it, and nothing else."""

    number: int


@dataclass
class Counters:
    """Counted since the device was made."""

    captures_started: int = 0
    captures_completed: int = 0
    replays: int = 0
    graphs_alive: int = 0


@dataclass(eq=False)
class DeviceState:
    """The mutable inside of an emulated device."""

    placement: Placement
    strict_host_numbers: bool
    births: BirthRegister = field(default_factory=BirthRegister)
    counters: Counters = field(default_factory=Counters)
    notes: Notes = field(default_factory=Notes)
    pools: dict[Hashable, Pool] = field(default_factory=dict)
    capture_fault: CaptureFault | None = None
    replay_fault: CaptureFault | None = None
    captures_with_outputs: set[int] = field(default_factory=set)
    """Numbers of the finished captures of which it is known what they returned."""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def new_key(self) -> PoolKey:
        """A pool handle that was never given out before."""
        return PoolKey(next(self._numbers))

    def pool(self, key: Hashable) -> Pool:
        """The pool of a handle; a handle without memory gets a fresh one."""
        self.collect()
        return self.pools.setdefault(key, Pool(key=key))

    def collect(self) -> None:
        """Free what died since the last look; pools without graphs and without live blocks go (rule R11)."""
        for key, pool in list(self.pools.items()):
            pool.sweep()
            pool.trim()
            if pool.graphs == 0 and not pool.born:
                del self.pools[key]

    def retire(self, pool: Pool) -> None:
        """One graph of the pool is gone."""
        pool.retire()
        self.counters.graphs_alive -= 1

    def take_capture_fault(self) -> CaptureFault | None:
        """The armed fault of the next capture, disarmed."""
        fault, self.capture_fault = self.capture_fault, None
        return fault

    def strike_replay(self) -> None:
        """Raise the armed fault of a replay when its turn has come."""
        fault = self.replay_fault
        if fault is None:
            return
        if fault.after > 0:
            fault.after -= 1
            return
        self.replay_fault = None
        fault.strike()

    def facts(self) -> Facts:
        """A snapshot, after looking which blocks have died."""
        self.collect()
        counters = self.counters
        return Facts(
            captures_started=counters.captures_started,
            captures_completed=counters.captures_completed,
            replays=counters.replays,
            graphs_alive=counters.graphs_alive,
            retained_bytes=sum(pool.bytes for pool in self.pools.values()),
            baked_numbers=BakedNumbers(
                count=len(self.notes.baked),
                sites=tuple(dict.fromkeys(str(site) for site in self.notes.baked)),
            ),
            refused=tuple(self.notes.refused),
            escaped=self._escaped(),
            open_captures=int(open_capture.current() is not None),
        )

    def _escaped(self) -> tuple[Escape, ...]:
        found = (
            born
            for pool in self.pools.values()
            for born in pool.born.values()
            if born.capture in self.captures_with_outputs and not born.returned
        )
        return tuple(Escape(str(born.label), str(born.site), born.capture) for born in found)
