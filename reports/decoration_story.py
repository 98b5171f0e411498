"""What decoration changes in a run as a whole: one row for each thing that it may or may not touch.

A row is untouched only where a law looked at it and saw no change. What nobody compared is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reports.decoration import one_line
from reports.decoration_schema import ChangedThing, DecorationRow, DecorationSheet
from reports.tables import Cell

KIND_LIMIT = 6
"""Kinds of change of one row that are named; the rest is counted."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of change: an aspect, in how many decorations it changed, and one example."""

    aspect: str
    allowed: bool
    decorations: int
    example: str


@dataclass(frozen=True, kw_only=True)
class StoryRow:
    """One thing: what must hold of it, and what was seen. Counts are of decorations."""

    thing: str
    promise: str
    looked_at: int
    changed: int
    wrong: int
    kinds: tuple[Kind, ...]
    kinds_left_out: int

    @property
    def standing(self) -> str:
        """`mistake`, `changed`, `untouched` or `unseen`."""
        if self.wrong:
            return "mistake"
        return "changed" if self.changed else "untouched" if self.looked_at else "unseen"


@dataclass(frozen=True, kw_only=True)
class Story:
    """Every row, how many decorations they come from, and the laws that told of them."""

    rows: tuple[StoryRow, ...]
    decorations: int
    laws: tuple[str, ...]


def story(cells: Iterable[Cell]) -> Story | None:
    """The decorations that the laws of a run told of, each law's on each family once; None if there is none."""
    told = [(law.law, law.decoration) for cell in cells for law in cell.records]
    sheets = [sheet for _, sheet in told if sheet is not None]
    if not sheets:
        return None
    return Story(
        rows=tuple(_row(row, sheets) for row in _rows(sheets)),
        decorations=len(sheets),
        laws=tuple(sorted({law for law, sheet in told if sheet is not None})),
    )


def _rows(sheets: list[DecorationSheet]) -> Iterator[DecorationRow]:
    """Every row that a sheet knows, then those that only a change names."""
    known: dict[str, DecorationRow] = {}
    for sheet in sheets:
        for each in sheet.rows:
            known.setdefault(each.row, each)
    yield from known.values()
    strange = dict.fromkeys(each.row for sheet in sheets for each in sheet.changes if each.row not in known)
    yield from (DecorationRow(row=row, thing=row) for row in sorted(strange))


def _row(row: DecorationRow, sheets: list[DecorationSheet]) -> StoryRow:
    of_row = [[each for each in sheet.changes if each.row == row.row] for sheet in sheets]
    looked = [any(each.row == row.row and each.looked_at for each in sheet.rows) for sheet in sheets]
    kinds = tuple(_kinds(of_row))
    return StoryRow(
        thing=row.thing or row.row,
        promise=row.promise,
        # Where something was seen to change, somebody looked.
        looked_at=sum(seen or bool(changes) for seen, changes in zip(looked, of_row, strict=True)),
        changed=sum(bool(changes) for changes in of_row),
        wrong=sum(any(not each.allowed for each in changes) for changes in of_row),
        kinds=kinds[:KIND_LIMIT],
        kinds_left_out=len(kinds[KIND_LIMIT:]),
    )


def _kinds(of_row: list[list[ChangedThing]]) -> Iterator[Kind]:
    """Mistakes first, then what changed in most decorations."""
    first: dict[tuple[bool, str], ChangedThing] = {}
    counts: dict[tuple[bool, str], int] = {}
    for changes in of_row:
        mine = {(each.allowed, each.aspect): each for each in reversed(changes)}
        for key, each in mine.items():
            first.setdefault(key, each)
            counts[key] = counts.get(key, 0) + 1
    for key in sorted(counts, key=lambda key: (key[0], -counts[key], key[1])):
        yield Kind(aspect=key[1], allowed=key[0], decorations=counts[key], example=one_line(first[key]))
