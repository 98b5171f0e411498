"""Batches over ranks as the report draws them: two panels, a table with the same numbers, and what is wrong in words.

`templates/ranks.html` puts the panels beside each other, or below each other on a narrow page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from reports.rank_panels import (
    ITEM_LIMIT,
    RANK_LIMIT,
    Panel,
    count,
    doubled_items,
    encoded,
    gathered,
    greatest_load,
    is_over,
    limit_of,
    share_of,
    things,
)
from reports.sheet_schema import RankShare, RanksSheet, SharedBatch, Sheet
from reports.tables import Cell, place

BATCH_LIMIT = 4
"""Batches that are drawn, the last ones: of a violation the last one is told."""
EXAMPLE_LIMIT = 3
"""Laws of which an example is drawn."""


@dataclass(frozen=True, kw_only=True)
class RankRow:
    """One rank, for the table."""

    rank: int
    items: str
    load: str
    of_greatest: str
    rows: str
    padding: str
    said: str
    wrong: bool


@dataclass(frozen=True, kw_only=True)
class DrawnBatch:
    """One batch as two panels, a table, and what is wrong with it in sentences."""

    number: int
    measured: str
    panels: tuple[Panel, ...]
    table: tuple[RankRow, ...]
    wrong: tuple[str, ...]
    left_out: int
    """Ranks that only the table has."""


@dataclass(frozen=True, kw_only=True)
class RankView:
    """A sheet as drawings, one for each batch."""

    batches: tuple[DrawnBatch, ...]
    left_out: int
    """Batches before them, which are not drawn."""


def rank_view(sheet: Sheet | None) -> RankView | None:
    """The drawings of a sheet; None if it is none of ranks."""
    if not isinstance(sheet, RanksSheet) or not sheet.batches:
        return None
    shown = sheet.batches[-BATCH_LIMIT:]
    return RankView(batches=tuple(map(_batch, shown)), left_out=len(sheet.batches) - len(shown))


@dataclass(frozen=True, kw_only=True)
class Example:
    """What a law that holds was held on: the fullest batch, and the family that it is of."""

    law: str
    place: str
    view: RankView


def examples(cells: Iterable[Cell]) -> tuple[Example, ...]:
    """The fullest batch of each law that holds and has a sheet of ranks, over all families."""
    found: dict[str, tuple[tuple[int, int], Example]] = {}
    for cell in cells:
        batches = [each for law in cell.records for each in _batches(law.sheet)] if cell.standing == "holds" else []
        if batches:
            batch = max(batches, key=_fullness)
            view = RankView(batches=(_batch(batch),), left_out=0)
            example = Example(law=cell.law, place=place(cell.family, cell.column), view=view)
            known = found.get(cell.law, ((-1, 0), example))
            found[cell.law] = max(known, (_fullness(batch), example), key=itemgetter(0))
    return tuple(found[law][1] for law in sorted(found))[:EXAMPLE_LIMIT]


def _batches(sheet: Sheet | None) -> tuple[SharedBatch, ...]:
    return sheet.batches if isinstance(sheet, RanksSheet) else ()


def _fullness(batch: SharedBatch) -> tuple[int, int]:
    """Items, then ranks that have some."""
    return sum(len(share.items) for share in batch.ranks), sum(bool(share.items) for share in batch.ranks)


def _batch(batch: SharedBatch) -> DrawnBatch:
    doubled = doubled_items(batch)
    return DrawnBatch(
        number=batch.number,
        measured=_measured(batch),
        panels=(encoded(batch, doubled), gathered(batch, doubled)) if batch.ranks else (),
        table=tuple(_row(batch, share, doubled) for share in batch.ranks),
        wrong=tuple(_wrong(batch, doubled)),
        left_out=max(0, len(batch.ranks) - RANK_LIMIT),
    )


def _measured(batch: SharedBatch) -> str:
    greatest, limit = f"The greatest load is {count(greatest_load(batch))} input rows", limit_of(batch)
    if batch.best is None or limit is None:
        return f"{greatest}; the best assignment is not known."
    return f"{greatest}; the best assignment has {count(batch.best)}, and the bound of greedy is {count(limit)}."


def _wrong(batch: SharedBatch, doubled: frozenset[int]) -> Iterator[str]:
    raised = [share.rank for share in batch.ranks if share.error is not None]
    if raised:
        yield f"Raised on {'rank' if len(raised) == 1 else 'ranks'} {', '.join(map(str, raised[:RANK_LIMIT]))}."
    if batch.nowhere:
        yield f"On no rank: {_items([item[0] for item in batch.nowhere])}."
    for index in sorted(doubled):
        holders = [share.rank for share in batch.ranks for item in share.items if item[0] == index]
        yield f"Encoded {len(holders)} times: item {index}, on ranks {', '.join(map(str, holders))}."
    for share in batch.ranks:
        if is_over(batch, share):
            yield f"Rank {share.rank} has {count(share.load)} input rows, more than the bound allows."
        if share.strangers:
            yield f"Rank {share.rank} encoded {things(share.strangers, 'item')} that the batch does not have."


def _items(indices: Sequence[int]) -> str:
    named = ", ".join(map(str, indices[:ITEM_LIMIT]))
    rest = f" and {len(indices) - ITEM_LIMIT} more" if len(indices) > ITEM_LIMIT else ""
    return f"item{'s' if len(indices) != 1 else ''} {named}{rest}"


def _row(batch: SharedBatch, share: RankShare, doubled: frozenset[int]) -> RankRow:
    items = ", ".join(f"#{item[0]} ({count(item[1])} \N{RIGHTWARDS ARROW} {count(item[2])})" for item in share.items)
    over = is_over(batch, share)
    return RankRow(
        rank=share.rank,
        items=items or "none",
        load=count(share.load),
        of_greatest=share_of(share.load, greatest_load(batch)),
        rows=count(share.tokens),
        padding=count(share.padding),
        said=share.error or "",
        wrong=over or share.error is not None or bool(share.strangers) or any(i[0] in doubled for i in share.items),
    )
