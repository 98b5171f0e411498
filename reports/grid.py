"""Laws x families as a grid, one group of columns for each route to the subject; and the same, law by law."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.tables import Cell, LawRow, topic

FIRST_ROUTE = "first route"
"""What the column without a name is called."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """One route to the subject and the families that were reached by it, those with most laws first."""

    column: str
    families: tuple[str, ...]

    @property
    def name(self) -> str:
        """The route in words."""
        return route(self.column)


@dataclass(frozen=True, kw_only=True)
class GridRow:
    """One law and its cells, one for each family of each group; None where nothing was planned."""

    law: LawRow
    groups: tuple[tuple[Cell | None, ...], ...]

    @property
    def name(self) -> str:
        """The law's id without its topic."""
        return self.law.law.removeprefix(self.law.topic).lstrip("/") or self.law.law


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The laws by topic, over every route and family."""

    groups: tuple[Group, ...]
    topics: Mapping[str, tuple[GridRow, ...]]
    left_out: int
    """Laws that apply to nothing: such a row, or such a column, has nothing to say."""

    @property
    def width(self) -> int:
        """Columns of the table, the law's name included."""
        return 1 + sum(len(group.families) for group in self.groups)


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """The cells of one law: those that hold in a few words, the others one by one."""

    held: Mapping[str, str]
    """By route: the families and how many cases each had."""
    excused: Mapping[str, tuple[str, ...]]
    """By reason: where the law does not apply."""
    rest: tuple[Cell, ...]


def route(column: str) -> str:
    """A column of the subject in words."""
    return column or FIRST_ROUTE


def grid(rows: Sequence[LawRow]) -> Grid:
    """The grid of some laws: those that apply to something, on the families on which something applies."""
    judged = [row for row in rows if row.standing != "inapplicable"]
    groups = tuple(_groups(cell for row in judged for cell in row.cells))
    topics: defaultdict[str, list[GridRow]] = defaultdict(list)
    for row in judged:
        found = {(cell.column, cell.family): cell for cell in row.cells}
        cells = tuple(tuple(found.get((group.column, name)) for name in group.families) for group in groups)
        topics[topic(row.law)].append(GridRow(law=row, groups=cells))
    return Grid(
        groups=groups, topics={name: tuple(laws) for name, laws in topics.items()}, left_out=len(rows) - len(judged)
    )


def breakdown(row: LawRow) -> Breakdown:
    """The cells of one law, so that a law that holds takes a line or two."""
    held: defaultdict[str, list[str]] = defaultdict(list)
    excused: defaultdict[str, list[str]] = defaultdict(list)
    for cell in row.cells:
        if cell.standing == "holds" and cell.deviation is None:
            held[route(cell.column)].append(f"{cell.family or 'no family'} {cell.cases:,}")
        elif cell.standing == "inapplicable":
            excused[cell.reason or "no reason given"].append(cell.place)
    return Breakdown(
        held={name: ", ".join(words) for name, words in held.items()},
        excused={reason: tuple(places) for reason, places in excused.items()},
        rest=tuple(cell for cell in row.cells if not _said(cell)),
    )


def _said(cell: Cell) -> bool:
    return cell.standing == "inapplicable" or (cell.standing == "holds" and cell.deviation is None)


def _groups(cells: Iterable[Cell]) -> Iterable[Group]:
    laws: defaultdict[str, Counter[str]] = defaultdict(Counter)
    looked_at: set[tuple[str, str]] = set()
    for cell in cells:
        laws[cell.column][cell.family] += 1
        if cell.standing != "inapplicable":
            looked_at.add((cell.column, cell.family))
    for column in sorted(laws):
        found = laws[column]
        names = sorted(found, key=lambda name: (-found[name], name))
        yield Group(column=column, families=tuple(name for name in names if (column, name) in looked_at))
