"""What an implementation must offer to be judged: a subject that starts sessions, and what they answer.

The life-cycle is start -> encode ... -> close. A subject may refuse to start (`Refused`); an adapter that
cannot reach its implementation is broken (`AdapterBroken`), which is never a violation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, Protocol

from torch import Tensor

from models.api import Family, Item
from suite.contract.case import Setup
from suite.contract.program import MODES, Mode
from suite.contract.scope import EVERYTHING, DecorationScope

Where = Literal["eager", "capture", "replay"]
"""Places at which a session can be told to fail once."""


class Refused(Exception):
    """The implementation refuses a configuration, in its own words."""


class AdapterBroken(Exception):
    """The adapter, not the implementation, failed: nothing can be said of the subject."""


class Disturbance(RuntimeError):
    """The failure that a law planted; it must not be swallowed where nothing can answer in its place."""


@dataclass(frozen=True)
class Capabilities:
    """What a subject declares beyond the common laws. A subject states only its differences."""

    token_budgets: bool = False
    """Packs items into a ladder of token budgets, and reports its launches."""
    statistics: bool = False
    """Counts hits and misses."""
    padded_eager: bool = False
    """Can run the bare forward on the very buffers of the last replay: the second arm."""
    lifecycle: bool = False
    """Can drop its graphs and capture them again."""
    configurable: bool = False
    """Takes budgets and limits from the user, and refuses bad ones."""
    can_be_off: bool = False
    """Can be started with graphs switched off."""
    disturbable: bool = False
    """Its eager path, captures and replays can be made to fail once."""
    observable: bool = False
    """Its device says what captures did: refusals, escapes, graphs alive, bytes held."""
    most_graphs: int = 0
    """How many graphs it holds at most, whatever comes; 0: it states no number, but for one graph a budget."""
    memory_report: bool = False
    """Says how many bytes it holds per budget."""
    buffers_observed: bool = False
    """Its device also says how many bytes live in the buffers that were allocated outside of pools."""
    model_protocol: bool = False
    """Graphs only models that implement a protocol, and names what is missing."""
    infers_ladder: bool = False
    """Infers a ladder from the range of useful budgets that a model states."""
    packers: tuple[str, ...] = ()
    """Names of its packers, the default first."""
    backends: tuple[str, ...] = ()
    """Names of its attention back ends, the default first."""
    kernels_observed: bool = False
    """Its launches tell which back ends' attention kernels ran in them, as a profiler sees it."""
    video: bool = False
    """Takes clips of several frames."""
    device: str = "cpu"
    """Type of the device that results come back on."""
    several_sessions: bool = False
    """Two sessions may live in one process at the same time."""
    checks_inputs: bool = False
    """Refuses an item whose pixels do not have the rows that its grid has."""
    isolated: bool = False
    """May hang or end its interpreter: it is judged in a child process with limits on time and output."""
    compiles: bool = False
    """Compiles programs: it is a `suite.contract.compiling.CompilingSubject`."""
    compile_backends: tuple[str, ...] = ()
    """Names of the compilers of pieces that it offers here, the cheapest first."""
    compile_modes: tuple[Mode, ...] = MODES
    """Modes in which what it decorates or loads can compile, or does not compile; all of them if it says nothing."""
    compile_cache: bool = False
    """Keeps compiled pieces on disk, each in a folder whose name its warnings use, and says under which keys."""
    ahead_of_time: bool = False
    """Saves whole programs and loads them without tracing."""
    trace_prefix: str = ""
    """Prefix of its artifacts in torch's structured trace; empty if it writes none."""
    ledger: bool = False
    """Its accounting of compile time runs under a virtual clock: it is a `suite.contract.compiling.LedgerSubject`."""
    flat_compiles: bool = False
    """Of a column: no compile of its timelines is inside another, and one thread compiles."""
    decorates: bool = False
    """Decorates classes of modules so that they compile: it is a `suite.contract.decorating.DecoratingSubject`."""
    decorates_at_once: bool = False
    """Several threads of one process may decorate classes and make instances at the same time."""
    decoration_scope: DecorationScope = EVERYTHING
    """Of a column: which decorations its cases hold."""
    loads_models: bool = False
    """Loads whole models of transformers: it is a `suite.contract.decorating.LoadingSubject`."""
    leaves_classes: bool = False
    """Decoration makes a class of its own; the original, its relatives and its module are not written to (SPEC D6)."""
    copies_decorated: bool = False
    """Decorated modules are pickled and copied; without it that is refused clearly (SPEC D6)."""
    undoes_decoration: bool = False
    """What decoration did can be undone (SPEC D6)."""
    ranks: bool = False
    """Shares batches out over ranks: it is a `suite.contract.sharding.ShardingSubject`."""
    startup_benchmark: bool = False
    """Measures cold and warm starts: it is a `suite.contract.startup.StartupSubject`."""
    startup_metrics: tuple[str, ...] = ()
    """Of startup, init, compilation and encoder_compilation, those that its benchmark tells."""
    tells_compiles: bool = False
    """Its benchmark tells of each start how much was compiled, and how much came from the cache."""
    keeps_failed_starts: bool = False
    """If a start fails or is interrupted, or nothing can be written any more, what its benchmark measured before is
    kept, and the start is told."""
    fresh_starts: bool = False
    """Its benchmark's own way to make a process for each start can be given what runs in it."""
    real_starts: bool = False
    """Starts an engine of its own: it is a `suite.contract.startup.RealStartSubject`."""
    rank_processes: bool = False
    """Its ranks can be processes of their own: it is a `suite.contract.sharding.RankProcessSubject`."""
    engine: bool = False
    """Starts an engine of several ranks in this process: it is a `suite.contract.engine.EngineSubject`."""
    engine_processes: bool = False
    """Its engine also runs each rank in a process of its own, with a limit on the time of a start."""
    engine_without_ranks: bool = False
    """Its engine also starts over no ranks at all."""
    names_slowest_rank: bool = False
    """Where the two largest compile seconds are of two ranks, it logs the slowest rank and that rank's own seconds."""
    keeps_outputs: bool = False
    """Has a cache that keeps encoder outputs under items' keys: it is a `suite.contract.keeping.KeepingSubject`."""
    drops_kept: bool = False
    """That cache lets go of a single item's result when it is told to."""
    kept_can_be_written: bool = False
    """Whoever writes into what was put into that cache, or got from it, changes nothing for others."""
    keeps_least_recent_last: bool = False
    """Where that cache has too little room, what was put or got least recently goes first, and nothing else goes."""
    imported_as: tuple[str, ...] = ()
    """Modules that a user imports to decorate classes or to load models."""
    overhead: int = 0
    """Tokens that one replay counts for in the cost that its packers promise to bound."""
    families: tuple[str, ...] = ()
    """Names of the towers that it serves; empty: all of them."""

    def serves(self, family: str) -> bool:
        """Whether laws can be held on the tower of that name."""
        return not self.families or family in self.families

    def has(self, need: str) -> bool:
        """Whether the capability of that name is declared.

        Raises:
            ValueError: no such capability.
        """
        names = [field.name for field in fields(self)]
        if need not in names:
            raise ValueError(f"no capability {need!r}; valid: {', '.join(names)}")
        return bool(getattr(self, need))


@dataclass(frozen=True)
class Bounds:
    """What a started session says it captured for."""

    budgets: tuple[int, ...]
    max_items: int
    max_frames: int | None


@dataclass(frozen=True)
class Launch:
    """One launch as seen from outside: which items ran, and in which graph (None: eager)."""

    items: tuple[int, ...]
    budget: int | None
    kernels: frozenset[str] = frozenset()
    """Capability `kernels_observed`: names of the back ends whose attention ran, at the capture for a replay."""


@dataclass(frozen=True)
class Counts:
    """The subject's own statistics."""

    hits: int
    misses: int
    replay_failures: int
    hit_rate: float
    budgets: tuple[int, ...]
    graphs: int


@dataclass(frozen=True)
class DeviceFacts:
    """What the device saw: not the subject's word."""

    graphs_alive: int
    retained_bytes: int
    """Bytes that the pools of graphs hold."""
    refused: tuple[str, ...]
    """Operations that captures refused, swallowed refusals included."""
    escaped: tuple[str, ...]
    """Tensors born in a capture that are still referenced although they are not its outputs."""
    baked_numbers: tuple[str, ...]
    """Lines at which a capture made a tensor of a Python number."""
    cold_captures: tuple[str, ...]
    """Captures of a forward that had not run before with these shapes: lazy state would be made inside."""
    buffer_bytes: int = 0
    """Capability `buffers_observed`: bytes of the buffers that live outside of pools."""


class Session(Protocol):
    """A configured, captured subject. Only `encode` and `close` are common; the rest goes by capability."""

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """One `[tokens, width]` per item, in order."""
        ...

    def close(self) -> None:
        """Gives everything back."""
        ...

    def bounds(self) -> Bounds:
        """Capability `token_budgets`."""
        ...

    def launches(self) -> Sequence[Launch]:
        """Capability `token_budgets`: the launches of the last `encode`."""
        ...

    def promised_ratio(self, items: Sequence[Item]) -> float | None:
        """Capability `token_budgets`: the bound that the packer promises for this batch, if any."""
        ...

    def counts(self) -> Counts:
        """Capability `statistics`."""
        ...

    def padded_eager(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """Capability `padded_eager`: the items through the bare forward on padded buffers."""
        ...

    def clear(self) -> None:
        """Capability `lifecycle`: drops all graphs."""
        ...

    def capture(self) -> None:
        """Capability `lifecycle`: captures all graphs again."""
        ...

    def fail_next(self, where: Where, *, after: int = 0) -> None:
        """Capability `disturbable`: the next call there but `after` raises `Disturbance`, once."""
        ...

    def facts(self) -> DeviceFacts:
        """Capability `observable`."""
        ...

    def memory(self) -> dict[int, int]:
        """Capability `memory_report`: bytes held, by budget."""
        ...


class Subject(Protocol):
    """One implementation behind an adapter."""

    name: str
    version: str
    capabilities: Capabilities

    def start(self, family: Family, setup: Setup) -> Session:
        """A captured session.

        Raises:
            Refused: the implementation refuses the setup.
            AdapterBroken: the implementation could not be reached.
        """
        ...

    def missing_method(self, family: Family, method: str) -> None:
        """Capability `model_protocol`: starts with a model that lacks the method; must raise `Refused`."""
        ...

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """Capability `infers_ladder`: the budgets for a model that states this range, when the user gives none."""
        ...

    def methods(self) -> tuple[str, ...]:
        """Capability `model_protocol`: the protocol's method names."""
        ...
