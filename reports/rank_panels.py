"""One batch over ranks as geometry: what each rank encodes, and what each has for the gather.

In both panels a rank is a bar and an item a stretch of it: in input rows with the best load and its bound as lines, and
in output rows with the padding that fills a bar up to the longest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.sheet_schema import RankShare, SharedBatch

WIDTH = 400.0
"""Width of the view box of a panel."""
LEFT = 54.0
"""Where bars begin: the names of ranks stand before them."""
RIGHT = 284.0
"""Where the longest bar ends: numbers stand behind it."""
HEAD = 22.0
"""Space above the first bar, for the words of the lines."""
BAR = 24.0
GAP = 7.0
LETTER = 6.8
"""Width of one character of a label."""
RANK_LIMIT = 16
"""Bars of one panel; the table has all ranks."""
ITEM_LIMIT = 64
"""Stretches of one bar."""
PLAIN = 10**6
"""From here on a number is told by its first digits."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """An item in a bar, or the padding behind them; `wrong`: another rank encoded it too."""

    x: float
    width: float
    label: str
    title: str
    odd: bool = False
    wrong: bool = False


@dataclass(frozen=True, kw_only=True)
class RankBar:
    """One rank in one panel; `words` stand behind the bar."""

    y: float
    rank: int
    stretches: tuple[Stretch, ...]
    padding: Stretch | None
    end: float
    words: str
    wrong: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """A load that all bars of a panel are measured by."""

    x: float
    words: str
    anchor: str
    """SVG's `text-anchor`: the words stand on the side where they meet no other line's."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One of the two drawings of a batch: what it is about, and the unit of its numbers in words."""

    about: str
    unit: str
    title: str
    height: float
    bars: tuple[RankBar, ...]
    lines: tuple[Line, ...]
    description: str


def count(value: float) -> str:
    """A number of rows as text, with no more than one decimal."""
    return f"{value:.3g}" if value >= PLAIN else f"{round(value, 1):,.1f}".removesuffix(".0")


def doubled_items(batch: SharedBatch) -> frozenset[int]:
    """Items that were encoded more than once."""
    found = Counter(item[0] for share in batch.ranks for item in share.items)
    return frozenset(index for index, times in found.items() if times > 1)


def limit_of(batch: SharedBatch) -> float | None:
    """The greatest load within the bound, in input rows; None if the best is not known."""
    return None if batch.best is None else batch.best * batch.bound


def is_over(batch: SharedBatch, share: RankShare) -> bool:
    """Whether a rank has more than the bound allows."""
    limit = limit_of(batch)
    # A bound is a fraction that was rounded to a float.
    return limit is not None and share.load > limit * (1 + 1e-9)


def greatest_load(batch: SharedBatch) -> int:
    """Of all ranks, in input rows."""
    return max((share.load for share in batch.ranks), default=0)


def things(number: int, name: str) -> str:
    """`1 item`, `2 items`."""
    return f"{count(number)} {name}{'s' if number != 1 else ''}"


def share_of(load: int, greatest: int) -> str:
    """The load as a percentage of the greatest."""
    return f"{100 * load / greatest:.0f} %" if greatest else "0 %"


def encoded(batch: SharedBatch, doubled: frozenset[int]) -> Panel:
    """What each rank encodes, in input rows."""
    limit = limit_of(batch)
    greatest = greatest_load(batch)
    longest = max([*(max(share.load, sum(item[1] for item in share.items)) for share in batch.ranks), limit or 0])
    pen = _Pen(longest, part=1, unit="input row", doubled=doubled)
    bars = []
    for place, share in enumerate(batch.ranks[:RANK_LIMIT]):
        words = f"{count(share.load)}, {share_of(share.load, greatest)}" if share.items or share.load else "idle"
        bars.append(pen.bar(place, share, padding=0, words=words, wrong=is_over(batch, share)))
    lines: tuple[Line, ...] = ()
    if batch.best is not None and limit is not None:
        lines = (
            Line(x=LEFT + batch.best * pen.scale, words=f"best {count(batch.best)}", anchor="end"),
            Line(x=LEFT + limit * pen.scale, words=f"bound {count(limit)}", anchor="start"),
        )
    described = "; ".join(
        f"rank {share.rank}: {_described(share, 1)}, load {count(share.load)}" for share in batch.ranks[:RANK_LIMIT]
    )
    return _panel("Encodes", "input rows", f"Encodes: input rows by rank, batch {batch.number}", bars, lines, described)


def gathered(batch: SharedBatch, doubled: frozenset[int]) -> Panel:
    """What each rank has for the gather, in output rows: computed from what it encoded."""
    pen = _Pen(max(share.tokens + share.padding for share in batch.ranks), part=2, unit="output row", doubled=doubled)
    bars = []
    for place, share in enumerate(batch.ranks[:RANK_LIMIT]):
        words = count(share.tokens) + (f" + {count(share.padding)}" if share.padding else "")
        bars.append(pen.bar(place, share, padding=share.padding, words=words, wrong=False))
    described = "; ".join(
        f"rank {share.rank}: {_described(share, 2)}, padding {count(share.padding)}"
        for share in batch.ranks[:RANK_LIMIT]
    )
    title = f"To gather: output rows and padding by rank, batch {batch.number}"
    return _panel("To gather", "output rows, padded to the most", title, bars, (), described)


def _panel(
    about: str, unit: str, title: str, bars: Sequence[RankBar], lines: tuple[Line, ...], described: str
) -> Panel:
    height = HEAD + len(bars) * (BAR + GAP)
    return Panel(
        about=about, unit=unit, title=title, height=height, bars=tuple(bars), lines=lines, description=f"{described}."
    )


def _described(share: RankShare, part: int) -> str:
    shown = share.items[:ITEM_LIMIT]
    named = ", ".join(f"item {item[0]} with {count(item[part])}" for item in shown)
    rest = f" and {len(share.items) - len(shown)} more" if len(share.items) > len(shown) else ""
    return f"{named}{rest}" if named else "no item"


class _Pen:
    """Turns rows into places; `part` says which number of an item is drawn."""

    def __init__(self, longest: float, *, part: int, unit: str, doubled: frozenset[int]) -> None:
        self.scale = (RIGHT - LEFT) / max(1.0, longest)
        self._part = part
        self._unit = unit
        self._doubled = doubled

    def bar(self, place: int, share: RankShare, *, padding: int, words: str, wrong: bool) -> RankBar:
        items = share.items[:ITEM_LIMIT]
        end = sum(item[self._part] for item in share.items)
        failed = share.error is not None
        return RankBar(
            y=HEAD + place * (BAR + GAP),
            rank=share.rank,
            stretches=tuple(self._stretches(items)),
            padding=self._filled(end, padding) if padding else None,
            end=LEFT + max(end + padding, share.load if self._part == 1 else 0) * self.scale,
            words=f"\N{MULTIPLICATION X} {'raised' if failed else words}" if wrong or failed else words,
            wrong=wrong or failed,
        )

    def _stretches(self, items: Sequence[tuple[int, ...]]) -> Iterator[Stretch]:
        start = 0
        for position, item in enumerate(items):
            width = item[self._part] * self.scale
            label = f"#{item[0]}"
            twice = item[0] in self._doubled
            yield Stretch(
                x=LEFT + start * self.scale,
                width=width,
                label=label if len(label) * LETTER + 6 <= width else "",
                title=f"item {item[0]}, {things(item[self._part], self._unit)}"
                + (", encoded more than once" if twice else ""),
                odd=bool(position % 2),
                wrong=twice,
            )
            start += item[self._part]

    def _filled(self, start: int, rows: int) -> Stretch:
        width = rows * self.scale
        label = f"{count(rows)} padding"
        return Stretch(
            x=LEFT + start * self.scale,
            width=width,
            label=label if len(label) * LETTER + 6 <= width else "",
            title=f"padding, {things(rows, self._unit)}",
        )
