"""Three verdicts, and what a violation says. Unknown is never green."""

from __future__ import annotations

import enum
import math
from dataclasses import KW_ONLY, dataclass, field

from suite.contract.sheets import Sheet


def _needs_length(name: str, seconds: float, *, least: float = 0.0) -> None:
    if not (math.isfinite(seconds) and seconds >= least):
        raise ValueError(f"{name} must be finite and {least:g} or more, got {seconds} s")


class Outcome(enum.Enum):
    """What can be said of a law for a case."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Difference:
    """One arm against eager: numbers with their place. NaN and Inf are counted apart from the finite error."""

    arm: str
    max_abs: float
    max_rel: float
    mismatched: int
    total: int
    nan: int
    inf: int
    index: tuple[int, ...]
    """Where the greatest difference is: token and channel of the item."""
    item: int = 0
    batch: int = 0
    used: float = 0.0
    """Greatest share of the tolerance that a finite element used; above 1 it is a mismatch."""
    rows: tuple[int, ...] = ()
    """The first wrong tokens of the item."""


@dataclass(frozen=True)
class DrawnItem:
    """An item in the drawing of a packing."""

    index: int
    grid: str
    tokens: int


@dataclass(frozen=True)
class DrawnBin:
    """A launch in the drawing of a packing; a budget of None is eager."""

    budget: int | None
    items: tuple[DrawnItem, ...]
    wrong_rows: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class LedgerEntry:
    """One monitored compile on the clock of its run; all times in seconds.

    Raises:
        ValueError: a time is negative or not finite, or the compile ends before it starts.
    """

    place: str
    """Which compile it is, in words: `worker 0, thread 1: encoder, aot, inside language_model jit`."""
    _: KW_ONLY
    component: str
    worker: int
    thread: int
    """Threads are numbered over all workers: what is nested lies in one thread."""
    start: float
    end: float
    own: float
    """The seconds that belong to it (SPEC T9); zero if it failed, or if its mode counts nothing."""
    said: float | None
    """The seconds that the subject logged or counted for it; None: nothing was logged."""
    also: str | None = None
    """The place that had counted already what is said beyond `own`."""

    def __post_init__(self) -> None:
        """Refuse what has no place on a time axis."""
        _needs_length("start", self.start)
        _needs_length("end", self.end, least=self.start)
        _needs_length("own", self.own)


@dataclass(frozen=True)
class LedgerAccount:
    """One counter of one worker, in seconds."""

    component: str
    _: KW_ONLY
    worker: int
    expected: float
    """The sum of what its entries own."""
    counted: float
    """What the subject's counter says, whatever that is."""

    def __post_init__(self) -> None:
        """Refuse an expectation that cannot be drawn."""
        _needs_length("expected", self.expected)


@dataclass(frozen=True)
class LedgerSheet:
    """Who owns each second of a run with compiles, and who counted it."""

    title: str
    _: KW_ONLY
    wall: float
    """Seconds from the start of the run to its end."""
    entries: tuple[LedgerEntry, ...]
    """In any order, but of two with the same start and end the outer one first."""
    accounts: tuple[LedgerAccount, ...]
    resolution: float = 0.0
    """The step to which `said` is known: 0.01 where it comes from log lines."""

    def __post_init__(self) -> None:
        """Refuse a run without a length."""
        _needs_length("wall", self.wall)


@dataclass(frozen=True)
class CompiledGraph:
    """One program that a tower was compiled to, and where the seconds of its compile went."""

    program: str
    _: KW_ONLY
    backend: str
    component: str
    pieces: int
    ranges: str
    """The ranges of sizes that pieces were made for, as text."""
    traced: int
    compiled: int
    loaded: int
    shared: int
    wall: float
    """The monitored seconds, as logged or measured."""
    trace_seconds: float
    piece_seconds: tuple[float, ...]
    """Of each piece and range that was compiled."""
    counted: float
    """What the counter of its component grew by."""
    resolution: float = 0.01
    """The step to which all these seconds are known: log lines have two decimals."""


@dataclass(frozen=True)
class ChangedThing:
    """One thing of a class, an instance, a module or the process that decoration changed."""

    subject: str
    """Which class, instance, module or registry."""
    aspect: str
    what: str
    """Where in the aspect: an entry, a name, a path."""
    _: KW_ONLY
    before: str
    after: str
    row: str
    """The row of SPEC D6's table that it belongs to."""
    allowed: bool
    """Whether it may change; otherwise it was changed by mistake."""


@dataclass(frozen=True)
class DecorationSheet:
    """What one decoration changed, with what it was allowed to change."""

    title: str
    """Which class or model was decorated, and how."""
    changes: tuple[ChangedThing, ...]
    looked_at: tuple[str, ...] = ()
    """Rows of SPEC D6's table that were compared: one of them without a change is untouched, of others none knows."""

    @property
    def mistakes(self) -> tuple[ChangedThing, ...]:
        """The changes that were not allowed."""
        return tuple(each for each in self.changes if not each.allowed)


@dataclass(frozen=True)
class Evidence:
    """Data of a violation that text and report draw from; every part may be missing."""

    arms: tuple[Difference, ...] = ()
    first_arm: str | None = None
    tolerance: dict[str, float | str] | None = None
    plan: tuple[tuple[DrawnBin, ...], ...] = ()
    ledger: LedgerSheet | None = None


@dataclass(frozen=True)
class Violation:
    """What was expected, what came out, why that can happen."""

    expected: str
    actual: str
    because: str
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True)
class Verdict:
    """The answer of one law for one case."""

    outcome: Outcome
    violation: Violation | None = None
    reason: str | None = None
    """Why it is unknown, or what a reader should know of how it was found to hold."""
    noise: Difference | None = None
    """Eager against eager: what no comparison can be finer than."""
    margin: float | None = None
    """Greatest share of the tolerance used."""
    graphs: tuple[CompiledGraph, ...] = ()
    """What was compiled for this case."""
    decoration: DecorationSheet | None = None
    """What decoration changed in this case, where the law looked at it."""
    sheet: Sheet | None = None
    """What else the report may draw of this case."""


def holds(
    *,
    noise: Difference | None = None,
    margin: float | None = None,
    graphs: tuple[CompiledGraph, ...] = (),
    decoration: DecorationSheet | None = None,
    sheet: Sheet | None = None,
) -> Verdict:
    """The law held for this case."""
    return Verdict(Outcome.HOLDS, noise=noise, margin=margin, graphs=graphs, decoration=decoration, sheet=sheet)


def violated(
    *,
    expected: str,
    actual: str,
    because: str,
    evidence: Evidence | None = None,
    graphs: tuple[CompiledGraph, ...] = (),
    decoration: DecorationSheet | None = None,
    sheet: Sheet | None = None,
) -> Verdict:
    """The law did not hold, with its reason."""
    violation = Violation(expected, actual, because, evidence or Evidence())
    return Verdict(Outcome.VIOLATED, violation, graphs=graphs, decoration=decoration, sheet=sheet)


def unknown(reason: str) -> Verdict:
    """Nothing can be said, and why."""
    return Verdict(Outcome.UNKNOWN, reason=reason)
