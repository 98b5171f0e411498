"""What a verdict shows of its case beside words: data that the report draws (`reports/sheet_schema.py` reads it)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar, TypeAlias

SharedItem: TypeAlias = tuple[int, int, int]
"""An item's place in its batch, its input rows, its output tokens."""


@dataclass(frozen=True, kw_only=True)
class RankShare:
    """What one rank was seen to do with one batch."""

    rank: int
    items: tuple[SharedItem, ...]
    """What its encoder was given, in that order."""
    load: int
    """Input rows of these items."""
    padding: int
    """Output rows that it has less than the rank that has most: what a gather of equal shapes must fill up."""
    error: str | None = None
    """What the rank raised."""
    strangers: int = 0
    """Items that its encoder was given and that are not of the batch."""


@dataclass(frozen=True, kw_only=True)
class SharedBatch:
    """One batch of a history, shared out over ranks."""

    number: int
    """Its place in the history."""
    bound: float
    """How many times the best load a rank may have (SPEC G8)."""
    best: int | None
    """The greatest load of the best assignment, in input rows; None for more items than can be tried."""
    ranks: tuple[RankShare, ...]
    nowhere: tuple[SharedItem, ...] = ()
    """Items that no rank encoded."""


@dataclass(frozen=True, kw_only=True)
class RanksSheet:
    """Batches over ranks, in the order in which they were encoded."""

    KIND: ClassVar[str] = "ranks"
    batches: tuple[SharedBatch, ...]

    @property
    def fullness(self) -> tuple[int, int]:
        """How much it shows: ranks that have items and less than another, then items."""
        busy = [share for batch in self.batches for share in batch.ranks if share.items]
        return sum(bool(share.padding) for share in busy), sum(len(share.items) for share in busy)


@dataclass(frozen=True, kw_only=True)
class MeasuredStart:
    """One start of an engine. All times in seconds, as the subject reported them."""

    seconds: float
    """The whole start."""
    init: float
    """Of that, what came after the models were built."""
    language_model: float
    """Compiling the language model."""
    encoder: float
    """Compiling encoders; 0 if none was compiled."""
    compiles: int
    loads: int
    """Artifacts taken from the cache."""


@dataclass(frozen=True, kw_only=True)
class StartPhase:
    """The starts of one phase, `cold` or `warm`, in order."""

    phase: str
    starts: tuple[MeasuredStart, ...]


@dataclass(frozen=True, kw_only=True)
class StartupSheet:
    """Cold and warm starts side by side (SPEC T8)."""

    KIND: ClassVar[str] = "startup"
    phases: tuple[StartPhase, ...]
    note: str = ""
    """What was started, and on what."""

    @property
    def fullness(self) -> tuple[int, int]:
        """How much it shows: phases that have starts, then starts."""
        counts = [len(phase.starts) for phase in self.phases]
        return sum(map(bool, counts)), sum(counts)


Sheet: TypeAlias = RanksSheet | StartupSheet


def sheet_data(sheet: Sheet) -> dict[str, object]:
    """The sheet as an object of a record, with its `kind`."""
    return {"kind": sheet.KIND, **asdict(sheet)}
