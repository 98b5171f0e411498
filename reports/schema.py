"""Schema 1 of a records file: the shape of each line. `schema.md` describes every field in words.

The first line is a `Header`, the last a `Footer`; the lines between come in any order. Fields may be added
without a new schema number: a reader ignores fields that it does not know. A field that changes its meaning
needs a new number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from reports.compile_schema import CompiledGraph, LedgerSheet
from reports.decoration_schema import DecorationSheet
from reports.encoding import Json
from reports.sheet_schema import RanksSheet, StartupSheet
from reports.subject_schema import OwnTests, Replacement

SCHEMA = 1
"""The newest schema that this reader knows."""

Verdict: TypeAlias = Literal["holds", "violated", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Header:
    """Who was tested, on what, how, and when (UTC, ISO 8601)."""

    KIND: ClassVar[str] = "header"
    schema: int
    project: str
    version: str
    subject: str
    device: str
    profile: str
    started: str
    command: str
    subject_version: str | None = None
    seed: int | None = None
    versions: Mapping[str, str | None] = field(default_factory=dict)
    platform: str = ""
    threads: int | None = None
    workers: int | None = None
    routes: Mapping[str, str] = field(default_factory=dict)
    """What each column of the subject is, in words."""
    replacements: tuple[Replacement, ...] = ()
    """What of the subject is replaced, because it cannot exist here."""
    own_tests: OwnTests | None = None
    """What the subject's own tests say; None: none are known that could be run here."""


@dataclass(frozen=True, kw_only=True)
class PlannedLaw:
    """One cell that should run: a law on a family in a column, and the requirements that it cites."""

    law: str
    family: str
    column: str = ""
    spec: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What should run. A planned law without a record is unknown; a planned fault without one did not run."""

    KIND: ClassVar[str] = "plan"
    laws: tuple[PlannedLaw, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Greatest differences between two runs of the same eager form (A/A)."""

    max_abs: float
    max_rel: float


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One item in a bin: its index in the caller's batch, its grid as text, its output tokens."""

    index: int
    tokens: int
    grid: str = ""

    def __post_init__(self) -> None:
        """Refuse a block without a size."""
        if self.tokens < 0:
            raise ValueError(f"tokens must be 0 or more, got {self.tokens}")


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Items of one replay (`budget` in tokens) or of one eager call (`budget` null).

    `wrong_rows` are half-open ranges `[start, stop)` of output rows of the bin, in the order of its items.
    """

    items: tuple[Placed, ...] = ()
    budget: int | None = None
    wrong_rows: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.budget is not None and self.budget < 0:
            raise ValueError(f"budget must be null or 0 or more, got {self.budget}")
        for rows in self.wrong_rows:
            if len(rows) != 2 or not 0 <= rows[0] <= rows[1]:
                raise ValueError(f"wrong_rows: pairs [start, stop) with 0 <= start <= stop, got {list(rows)}")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One batch of the history and the bins that it was packed into."""

    batch: int
    bins: tuple[Bin, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm against eager: errors over finite elements, NaN and Inf counted apart.

    `index` is the place of the greatest error in the item's output, `[token, channel]`; `used` the greatest
    share of the tolerance; `rows` the first wrong tokens of the item.
    """

    arm: str
    max_abs: float | None = None
    max_rel: float | None = None
    mismatched: int | None = None
    total: int | None = None
    nan: int | None = None
    inf: int | None = None
    index: tuple[int, ...] | None = None
    item: int | None = None
    batch: int | None = None
    used: float | None = None
    rows: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """What was allowed, and where the allowance comes from."""

    rtol: float | None = None
    atol: float | None = None
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One failing case, minimal as far as it was shrunk. `id` is stable between runs."""

    id: str
    expected: str
    actual: str
    because: str
    case: Json
    reproduce: tuple[str, ...]
    case_text: str | None = None
    plan: tuple[Batch, ...] | None = None
    arms: tuple[Arm, ...] | None = None
    first_arm: str | None = None
    tolerance: Tolerance | None = None
    ledger: LedgerSheet | None = None
    """Whose each second is, if the law is about seconds."""


@dataclass(frozen=True, kw_only=True)
class Law:
    """The verdict of one law on one family, by one of the routes to the subject (`column`)."""

    KIND: ClassVar[str] = "law"
    law: str
    family: str
    verdict: Verdict
    column: str = ""
    statement: str = ""
    ignores: str = ""
    spec: tuple[str, ...] = ()
    cases: int = 0
    seconds: float = 0.0
    labels: Mapping[str, int] = field(default_factory=dict)
    reason: str | None = None
    node: str | None = None
    worker: str | None = None
    noise: Noise | None = None
    margin: float | None = None
    violation: Violation | None = None
    graphs: tuple[CompiledGraph, ...] = ()
    """What was compiled for one of its cases."""
    decoration: DecorationSheet | None = None
    """What decoration changed in one of its cases; with a violation, in that case."""
    sheet: RanksSheet | StartupSheet | None = None
    """What else is drawn of one of its cases; with a violation, of that case."""

    def __post_init__(self) -> None:
        """Refuse a record that contradicts itself."""
        if self.cases < 0:
            raise ValueError(f"cases must be 0 or more, got {self.cases}")
        if self.verdict == "holds" and self.violation is not None:
            raise ValueError("a law that holds cannot carry a violation")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One deliberate defect and whether a law caught it."""

    KIND: ClassVar[str] = "fault"
    fault: str
    killed: bool
    area: str = ""
    breaks: str = ""
    source: str | None = None
    caught_by: tuple[str, ...] = ()
    by: str | None = None
    cases: int = 0
    seconds: float = 0.0
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Inapplicable:
    """A law that does not apply to this subject on this family, and why."""

    KIND: ClassVar[str] = "inapplicable"
    law: str
    family: str
    reason: str
    column: str = ""


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """A known failure of the subject. `still_fails` false means: the entry is stale."""

    KIND: ClassVar[str] = "deviation"
    law: str
    family: str
    deviation_kind: Literal["notimpl", "notyet", "never", "bug"]
    still_fails: bool
    column: str = ""
    reason: str = ""
    link: str | None = None
    releases: str = ""
    """The range of releases for which it is recorded."""
    expires: str | None = None
    """The last day on which it is accepted, as `2027-03-31`; None: there is none."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something that this run does not show."""

    KIND: ClassVar[str] = "note"
    topic: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Footer:
    """The run ended by itself. `records` counts the lines between header and footer."""

    KIND: ClassVar[str] = "footer"
    exit_status: int
    wall_seconds: float
    records: int


Record: TypeAlias = Plan | Law | Fault | Inapplicable | Deviation | Note
Line: TypeAlias = Header | Record | Footer

KINDS: Mapping[str, type[Line]] = {
    kind.KIND: kind for kind in (Header, Plan, Law, Fault, Inapplicable, Deviation, Note, Footer)
}
"""Every kind of line by its name."""
