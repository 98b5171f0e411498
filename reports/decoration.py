"""The decoration diff: what a class, an instance, a module or the process was before, and is after, side by side.

Grouped by subject, then by row of the table of side effects; what was changed by mistake comes first. Of two values
only what differs is marked. A long value is cut around that, and the whole of it stands beside the cut.
`templates/diff.html` draws it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reports.decoration_schema import ChangedThing, DecorationRow, DecorationSheet
from reports.encoding import cut
from reports.schema import Law

MISTAKE_LIMIT = 80
"""Changes by mistake that one violation shows; the records have all of them."""
ALLOWED_LIMIT = 20
BRIEF = 12
"""The same, each, for a violation that is told briefly."""
LONG = 180
"""Letters from which on a value is cut."""
AROUND = 36
"""Letters of a cut value that stay on either side of what differs."""
MIDDLE = 110
"""Letters that stay of what differs."""
LINE = 120
"""Letters of a value in a list of changes, where one line has to do."""
LISTED = 3
"""Changes of one cell that a summary in text or Markdown lists."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value in three parts: what is the same as on the other side, what differs, what is the same again."""

    head: str
    middle: str
    tail: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.head or self.middle or self.tail)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a change: the value as a reader sees it first, and the whole of it if that was cut."""

    short: Value
    full: Value | None


@dataclass(frozen=True, kw_only=True)
class DiffLine:
    """One change."""

    change: ChangedThing
    before: Side
    after: Side


@dataclass(frozen=True, kw_only=True)
class DiffRow:
    """The changes of one subject in one row of the table."""

    thing: str
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, kw_only=True)
class DiffSubject:
    """One class, instance, module or registry."""

    name: str
    rows: tuple[DiffRow, ...]

    @property
    def wrong(self) -> bool:
        """Whether something of it was changed by mistake."""
        return any(not line.change.allowed for row in self.rows for line in row.lines)


@dataclass(frozen=True, kw_only=True)
class Diff:
    """A sheet as tables, those with mistakes first."""

    title: str
    subjects: tuple[DiffSubject, ...]
    mistakes: int
    """Of the whole sheet, as all the counts below."""
    allowed: int
    mistakes_left_out: int
    allowed_left_out: int

    @property
    def left_out(self) -> int:
        """Changes that stand in the records alone."""
        return self.mistakes_left_out + self.allowed_left_out


def diff(sheet: DecorationSheet | None, *, brief: bool = False) -> Diff | None:
    """The tables of a sheet; None if there is no sheet."""
    if sheet is None:
        return None
    wrong, right = len(sheet.mistakes), len(sheet.changes) - len(sheet.mistakes)
    shown = _shown(sheet, brief=brief)
    subjects = tuple(_subjects([*shown[0], *shown[1]], sheet.rows))
    return Diff(
        title=sheet.title,
        subjects=subjects,
        mistakes=wrong,
        allowed=right,
        mistakes_left_out=wrong - len(shown[0]),
        allowed_left_out=right - len(shown[1]),
    )


def cut_sheet(sheet: DecorationSheet, *, brief: bool = False) -> DecorationSheet:
    """The sheet with the changes that its tables show, and no more."""
    shown = _shown(sheet, brief=brief)
    return replace(sheet, changes=tuple(each for part in shown for each in part))


def one_line(change: ChangedThing) -> str:
    """A change as a sentence without line breaks, its values cut."""
    place = ": ".join(cut(_plain(name), LINE) for name in (change.subject, change.aspect, change.what))
    before, after = (each.short for each in sides(change.before, change.after, long=LINE))
    return f"{place}: was {_words(before)}, is {_words(after)}"


def mistakes(law: Law, limit: int) -> Iterator[str]:
    """What decoration changed by mistake in the case of a violated law, one line each, and how many more there are."""
    found = law.decoration.mistakes if law.verdict == "violated" and law.decoration is not None else ()
    yield from map(one_line, found[:limit])
    if len(found) > limit:
        yield f"and {len(found) - limit:,} more changes by mistake"


def things(rows: Iterable[DecorationRow]) -> dict[str, str]:
    """The words of each row."""
    return {each.row: each.thing or each.row for each in rows}


def sides(before: str, after: str, *, long: int = LONG) -> tuple[Side, Side]:
    """Both values, with what differs told apart from what does not."""
    one, two = _parts(before, after)
    return _side(one, long), _side(two, long)


def _words(value: Value) -> str:
    return _plain(f"{value.head}{value.middle}{value.tail}") or "empty"


def _plain(words: str) -> str:
    return " ".join(words.split())


def _shown(sheet: DecorationSheet, *, brief: bool) -> tuple[tuple[ChangedThing, ...], tuple[ChangedThing, ...]]:
    right = tuple(each for each in sheet.changes if each.allowed)
    return sheet.mistakes[: BRIEF if brief else MISTAKE_LIMIT], right[: BRIEF if brief else ALLOWED_LIMIT]


def _subjects(changes: list[ChangedThing], rows: tuple[DecorationRow, ...]) -> Iterator[DiffSubject]:
    words, order = things(rows), [each.row for each in rows]
    found: defaultdict[str, defaultdict[str, list[ChangedThing]]] = defaultdict(lambda: defaultdict(list))
    for each in changes:
        found[each.subject][each.row].append(each)
    for name, by_row in found.items():
        known = [row for row in order if row in by_row]
        ordered = sorted(
            [*known, *(row for row in by_row if row not in order)], key=lambda row: all(c.allowed for c in by_row[row])
        )
        yield DiffSubject(
            name=name,
            rows=tuple(DiffRow(thing=words.get(row, row), lines=tuple(map(_line, by_row[row]))) for row in ordered),
        )


def _line(change: ChangedThing) -> DiffLine:
    before, after = sides(change.before, change.after)
    return DiffLine(change=change, before=before, after=after)


def _parts(before: str, after: str) -> tuple[Value, Value]:
    """Common beginning and end, in whole words: half a name that happens to agree helps nobody."""
    head = _common(before, after)
    rest = before[len(head) :], after[len(head) :]
    tail = _common(rest[0][::-1], rest[1][::-1])[::-1]
    found = (Value(head=head, middle=each[: len(each) - len(tail)], tail=tail) for each in rest)
    return next(found), next(found)


def _common(one: str, other: str) -> str:
    """How both begin, less a word at the end of that which goes on in one of them."""
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    common = one[:length]
    goes_on = any(_in_word(text[length : length + 1]) for text in (one, other))
    if not (goes_on and _in_word(common[-1:])):
        return common
    return common[: next((n for n in range(len(common), 0, -1) if not _in_word(common[n - 1])), 0)]


def _in_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def _side(value: Value, long: int) -> Side:
    if len(value.head) + len(value.middle) + len(value.tail) <= long:
        return Side(short=value, full=None)
    middle = value.middle
    if len(middle) > MIDDLE:
        middle = f"{middle[: MIDDLE * 2 // 3]}\N{HORIZONTAL ELLIPSIS}{middle[-MIDDLE // 3 :]}"
    head = value.head if len(value.head) <= AROUND else f"\N{HORIZONTAL ELLIPSIS}{value.head[-AROUND:]}"
    tail = value.tail if len(value.tail) <= AROUND else f"{value.tail[:AROUND]}\N{HORIZONTAL ELLIPSIS}"
    return Side(short=Value(head=head, middle=middle, tail=tail), full=value)
