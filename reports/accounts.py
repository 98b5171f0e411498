"""The counters of a ledger as pairs of bars: what was expected above what was counted, both to one scale.

The last pair sums to the wall time: what nobody owns, or nobody counted, is its residual. What was counted and
belongs to nobody, or to another, is surplus.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.compile_schema import LedgerAccount, LedgerEntry, LedgerSheet
from reports.seconds import MICROSECOND, Unit, drawable, exact

WIDTH = 722.0
"""Width of the view box."""
LEFT = 72.0
"""Where the axis begins: the names of the bars stand before it."""
RIGHT = 702.0
HEAD = 20.0
"""Space above a pair for its words."""
BAR = 22.0
"""Height of one bar."""
GAP = 3.0
FOOT = 12.0
LETTER = 7.2
"""Width of one character of a label."""
FARTHEST = 2.0
"""A counter is drawn up to so many times the wall time; the rest of it is only a number."""
ACCOUNT_LIMIT = 12
"""Counters that are drawn; the table has all of them."""
PATTERNS = 3
"""Fillings that there are; with more components they come round again, and names tell them apart."""

Kind: TypeAlias = Literal["own", "surplus", "lost", "residual"]


@dataclass(frozen=True)
class Names:
    """The letters of a sheet's compiles."""

    letters: Sequence[tuple[LedgerEntry, str]]

    def of(self, entry: LedgerEntry) -> str:
        """The compile's own letter: two that are equal are still two."""
        return next(letter for each, letter in self.letters if each is entry)

    def also(self, entry: LedgerEntry) -> str | None:
        """The letter of the one compile at the place that had counted its surplus already."""
        found = [letter for each, letter in self.letters if each.place == entry.also]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of a bar. `pattern` is that of its component; a residual has none."""

    x: float
    width: float
    kind: Kind
    pattern: int
    label: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The two bars of one counter, or of all of them."""

    y: float
    words: str
    wrong: bool
    expected: tuple[Part, ...]
    counted: tuple[Part, ...]
    cut: bool
    """Whether the lower bar goes on beyond the drawing."""

    @property
    def bottom(self) -> float:
        """Where the next pair may begin."""
        return self.y + HEAD + 2 * BAR + GAP + FOOT


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """One counter, for the table."""

    account: LedgerAccount
    difference: float

    @property
    def wrong(self) -> bool:
        """Whether the counter does not say what it should."""
        return self.difference != 0


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The sums of a sheet. Each thread has the wall time to itself: `total` is that of all lanes."""

    lanes: int
    wall: float
    total: float
    expected: float
    counted: float
    rows: tuple[AccountRow, ...]

    @property
    def nobody(self) -> float:
        """Seconds that belong to no counter."""
        return exact(self.total - self.expected)

    @property
    def residual(self) -> float:
        """Seconds that no counter has; negative if more was counted than passed."""
        return exact(self.total - self.counted)


def balance(sheet: LedgerSheet, *, lanes: int, extent: float) -> Balance:
    """The sums of a sheet, exact in microseconds."""
    return Balance(
        lanes=lanes,
        wall=exact(extent),
        total=exact(exact(extent) * lanes),
        expected=exact(sum(exact(each.expected) for each in sheet.accounts)),
        counted=exact(sum(exact(each.counted) for each in sheet.accounts)),
        rows=tuple(
            AccountRow(account=each, difference=exact(exact(each.counted) - exact(each.expected)))
            for each in sheet.accounts
        ),
    )


def scale_of(sums: Balance) -> float:
    """Units of the view box per second: the wall time fits, and what was counted beyond it."""
    longest = max([sums.total, sums.expected, _sum_counted(sums), *(row.account.expected for row in sums.rows)])
    return (RIGHT - LEFT) / max(min(longest, FARTHEST * max(sums.total, sums.expected)), MICROSECOND)


def _sum_counted(sums: Balance) -> float:
    return sum(drawable(row.account.counted) for row in sums.rows)


def pairs(
    sheet: LedgerSheet,
    sums: Balance,
    names: Names,
    components: Sequence[str],
    unit: Unit,
    scale: float,
    *,
    top: float,
) -> Iterator[Pair]:
    """A pair of bars for each counter, and the one that sums to the wall time."""
    pen = _Pen(unit, scale)
    everything: tuple[list[_Piece], list[_Piece]] = ([], [])
    y = top
    for number, row in enumerate(sums.rows):
        entries = [each for each in sheet.entries if _of(each, row.account)]
        pattern = components.index(row.account.component) % PATTERNS
        expected, counted = _pieces(row.account, entries, names, pattern, sheet.resolution)
        everything[0].extend(expected)
        everything[1].extend(piece for piece in counted if piece.kind != "lost")
        if number < ACCOUNT_LIMIT:
            pair = pen.pair(y, _words(row, unit), row.wrong, expected, counted)
            yield pair
            y = pair.bottom
    rest = [_Piece(max(0.0, sums.nobody), "residual", 0, "nobody's")]
    missing = [_Piece(drawable(sums.residual), "residual", 0, "residual")]
    words = _together(sums, unit)
    wrong = any(row.wrong for row in sums.rows)
    yield pen.pair(y, words, wrong, everything[0] + rest, everything[1] + missing)


def told(entry: LedgerEntry, resolution: float) -> float:
    """What was said for a compile; a line that is off by no more than its last digit says what is right."""
    said = drawable(entry.said or 0.0)
    return entry.own if entry.said is not None and abs(said - entry.own) <= resolution / 2 + MICROSECOND / 2 else said


def _of(entry: LedgerEntry, account: LedgerAccount) -> bool:
    return (entry.worker, entry.component) == (account.worker, account.component)


def _words(row: AccountRow, unit: Unit) -> str:
    account = row.account
    name = f"worker {account.worker}, {account.component}: "
    if math.isnan(row.difference):
        return f"{name}expected {unit.text(account.expected)}, counted {unit.text(account.counted)}"
    if not row.difference:
        return f"{name}{unit.text(account.counted)}, as expected"
    amount = unit.text(abs(row.difference))
    kind = "too much" if row.difference > 0 else "missing"
    return f"{name}expected {unit.text(account.expected)}, counted {unit.text(account.counted)}, {amount} {kind}"


def _together(sums: Balance, unit: Unit) -> str:
    wall = f"{sums.lanes} threads of {unit.text(sums.wall)} each" if sums.lanes > 1 else unit.text(sums.wall)
    sign = "\N{MINUS SIGN}" if sums.residual < 0 else "+"
    return f"wall time, {wall} = {unit.text(sums.counted)} counted {sign} {unit.text(abs(sums.residual))} residual"


@dataclass(frozen=True)
class _Piece:
    """A stretch of a bar before it has a place."""

    seconds: float
    kind: Kind
    pattern: int
    name: str


def _pieces(
    account: LedgerAccount, entries: Sequence[LedgerEntry], names: Names, pattern: int, resolution: float
) -> tuple[list[_Piece], list[_Piece]]:
    """Both bars of one counter: what belongs to it, entry by entry, and what it has."""
    own = [_Piece(entry.own, "own", pattern, names.of(entry)) for entry in entries if entry.own]
    rest = exact(account.expected - sum(piece.seconds for piece in own))
    if rest > 0:
        own.append(_Piece(rest, "own", pattern, ""))
    counted = drawable(account.counted)
    said = exact(sum(told(entry, resolution) for entry in entries))
    if said > exact(counted):
        # Some of what was logged was not counted: nobody can say which part of it.
        found = [
            _Piece(min(counted, account.expected), "own", pattern, ""),
            _Piece(max(0.0, exact(counted - account.expected)), "surplus", pattern, ""),
        ]
    else:
        found = [piece for entry in entries for piece in _said(entry, told(entry, resolution), names, pattern)]
        found += _unlogged(exact(counted - said), exact(account.expected - said), pattern, _culprit(entries, names))
    lost = exact(account.expected - counted)
    return own, [*found, *([_Piece(lost, "lost", pattern, "missing")] if lost > 0 else [])]


def _said(entry: LedgerEntry, said: float, names: Names, pattern: int) -> Iterator[_Piece]:
    twice = names.also(entry)
    again = f"{twice} again" if twice else f"{names.of(entry)} too"
    yield _Piece(min(said, entry.own), "own", pattern, names.of(entry))
    yield _Piece(max(0.0, exact(said - entry.own)), "surplus", pattern, again)


def _culprit(entries: Sequence[LedgerEntry], names: Names) -> str:
    """Whose seconds a surplus that no line tells of must be, if one place alone is named for them."""
    found = {twice for entry in entries if (twice := names.also(entry))}
    return f"{found.pop()} again" if len(found) == 1 else ""


def _unlogged(seconds: float, room: float, pattern: int, again: str) -> Iterator[_Piece]:
    """What a counter has beyond all that was logged: as much as is expected still may be right."""
    plain = min(seconds, max(0.0, room))
    yield _Piece(plain, "own", pattern, "")
    yield _Piece(max(0.0, exact(seconds - plain)), "surplus", pattern, again)


@dataclass(frozen=True)
class _Pen:
    """Turns seconds into places."""

    unit: Unit
    scale: float

    def pair(self, y: float, words: str, wrong: bool, expected: Sequence[_Piece], counted: Sequence[_Piece]) -> Pair:
        end = sum(piece.seconds for piece in counted) * self.scale
        return Pair(
            y=y,
            words=words,
            wrong=wrong,
            expected=tuple(self._row(expected)),
            counted=tuple(self._row(counted)),
            cut=LEFT + end > RIGHT + 0.5,
        )

    def _row(self, pieces: Sequence[_Piece]) -> Iterator[Part]:
        x = LEFT
        for piece in pieces:
            width = min(piece.seconds * self.scale, RIGHT - x)
            if width <= 0:
                continue
            yield self._part(piece, x, width)
            x += width

    def _part(self, piece: _Piece, x: float, width: float) -> Part:
        text = self.unit.text(piece.seconds)
        full = f"{piece.name} {text}".strip()
        short = piece.name if piece.kind in ("own", "surplus") else text
        label = next((each for each in (full, short) if each and len(each) * LETTER + 6 <= width), "")
        title = f"{piece.name or 'not logged'}: {text}, {TITLES[piece.kind]}"
        return Part(x=x, width=width, kind=piece.kind, pattern=piece.pattern, label=label, title=title)


TITLES: Mapping[Kind, str] = {
    "own": "in its counter",
    "surplus": "counted beyond what is expected",
    "lost": "expected and not counted",
    "residual": "in no counter",
}
"""What each kind of stretch means."""
