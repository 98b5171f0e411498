"""The drawing of a packing as geometry: items as blocks in budget bars, padding, and the rows that are wrong.

Everything is in the units of the SVG's view box; `templates/packing.html` draws it. One scale serves all bars
of a drawing, so that tokens can be compared by eye.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.schema import Batch, Bin, Placed

WIDTH = 720.0
"""Width of the view box."""
BAR = 34.0
"""Height of one bar."""
HEAD = 22.0
"""Space above a bar for its caption."""
MARKED_FOOT = 28.0
"""Space below a bar for the marks of wrong rows."""
PLAIN_FOOT = 12.0
BIN_LIMIT = 24
"""Bars that are drawn; the table names the rest."""
ITEM_LIMIT = 96
"""Blocks that are drawn in one bar."""
MARK_LIMIT = 48
"""Wrong ranges that are drawn in one bar."""
NAME_LIMIT = 4
"""Wrong ranges that are named under one bar."""
LETTER = 7.2
"""Width of one digit of a label."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A stretch of a bar: an item, padding, or the part over the budget."""

    x: float
    width: float
    label: str
    title: str
    odd: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A range of wrong rows and where it lies."""

    x: float
    width: float
    rows: str


@dataclass(frozen=True, kw_only=True)
class Words:
    """The text under a bar; `anchor` is SVG's `text-anchor`."""

    x: float
    anchor: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bin, drawn at `y`; `end` is where its budget ends, None for an eager call."""

    y: float
    caption: str
    width: float
    end: float | None
    blocks: tuple[Block, ...]
    padding: Block | None
    marks: tuple[Mark, ...]
    wrong: Words | None


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One item (or the padding) of a bin, for the table that says the same as the drawing."""

    batch: int
    bin: int
    budget: str
    item: str
    grid: str
    tokens: int
    rows: str
    wrong: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The packing of a history: bars, their table, and the same in words."""

    height: float
    bars: tuple[Bar, ...]
    left_out: int
    description: str
    table: tuple[TableRow, ...]
    wrong: bool


def draw(history: Sequence[Batch]) -> Drawing | None:
    """The drawing of a plan, or None if there is no bin to draw."""
    bins = [(batch.batch, index, one) for batch in history for index, one in enumerate(batch.bins)]
    if not bins:
        return None
    shown = bins[:BIN_LIMIT]
    # Extents of zero happen: an empty batch has a bin without items.
    scale = (WIDTH - 2) / max(1, *(_extent(one) for _, _, one in shown))
    bars, y = [], 0.0
    for batch, index, one in shown:
        bars.append(_bar(one, caption=_caption(batch if len(history) > 1 else None, index, one), y=y, scale=scale))
        y += HEAD + BAR + (MARKED_FOOT if _wrong(one) else PLAIN_FOOT)
    return Drawing(
        height=y,
        bars=tuple(bars),
        left_out=len(bins) - len(shown),
        description=" ".join(f"{_caption(batch, index, one)}.{_wrong_words(one)}" for batch, index, one in shown),
        table=tuple(row for batch, index, one in bins for row in _rows(batch, index, one)),
        wrong=any(_wrong(one) for _, _, one in bins),
    )


def tokens(one: Bin) -> int:
    """Output tokens of all items of a bin."""
    return sum(item.tokens for item in one.items)


def _extent(one: Bin) -> int:
    return max(tokens(one), one.budget or 0, *(stop for _, stop in one.wrong_rows), 0)


def _caption(batch: int | None, index: int, one: Bin) -> str:
    used = tokens(one)
    items = f"{len(one.items)} item{'s' if len(one.items) != 1 else ''}"
    place = f"bin {index}" if batch is None else f"batch {batch}, bin {index}"
    if one.budget is None:
        return f"{place}: eager, {items}, {_count(used)}"
    rest = one.budget - used
    tail = f"{-rest} over the budget" if rest < 0 else f"{rest} padding"
    return f"{place}: budget {one.budget}, {items}, {_count(used)}, {tail}"


def _count(used: int) -> str:
    return f"{used} token{'s' if used != 1 else ''}"


def _range(start: int, stop: int) -> str:
    if stop - start <= 1:
        return f"row {start}"
    return f"rows {start}\N{EN DASH}{stop - 1}"


def _wrong_words(one: Bin) -> str:
    wrong = [_range(start, stop) for start, stop in _wrong(one)]
    return f" Wrong: {', '.join(wrong)}." if wrong else ""


def _wrong(one: Bin) -> list[tuple[int, int]]:
    return [(start, stop) for start, stop in one.wrong_rows if start < stop]


def _bar(one: Bin, *, caption: str, y: float, scale: float) -> Bar:
    used = tokens(one)
    padding = None
    if one.budget is not None and one.budget > used:
        rest = one.budget - used
        padding = _block(used, rest, scale, label=f"{rest} padding", title=f"padding, {_count(rest)}")
    end = None if one.budget is None else one.budget * scale
    marks = tuple(
        Mark(x=1 + start * scale, width=max(3.0, (stop - start) * scale), rows=_range(start, stop))
        for start, stop in _wrong(one)
    )
    return Bar(
        y=y,
        caption=caption,
        width=max(one.budget or 0, used) * scale,
        end=end,
        blocks=tuple(_blocks(one.items[:ITEM_LIMIT], scale)),
        padding=padding,
        marks=marks[:MARK_LIMIT],
        wrong=_words(marks),
    )


def _words(marks: Sequence[Mark]) -> Words | None:
    if not marks:
        return None
    named = ", ".join(mark.rows for mark in marks[:NAME_LIMIT])
    rest = f" and {len(marks) - NAME_LIMIT} more ranges" if len(marks) > NAME_LIMIT else ""
    # The text grows from its mark towards the side where there is room.
    if marks[0].x < WIDTH / 2:
        return Words(x=marks[0].x, anchor="start", text=f"{named}{rest} wrong")
    return Words(x=max(marks[0].x + marks[0].width, WIDTH / 2), anchor="end", text=f"{named}{rest} wrong")


def _blocks(items: Sequence[Placed], scale: float) -> Iterator[Block]:
    start = 0
    for position, item in enumerate(items):
        title = f"item {item.index}, {item.grid or 'grid unknown'}, {_count(item.tokens)}"
        yield _block(
            start,
            item.tokens,
            scale,
            label=_label(item, item.tokens * scale),
            title=title,
            odd=bool(position % 2),
        )
        start += item.tokens


def _label(item: Placed, width: float) -> str:
    """As much of the name as the block has room for."""
    full = f"#{item.index} {item.grid}".rstrip()
    return next((text for text in (full, f"#{item.index}") if len(text) * LETTER + 6 <= width), "")


def _block(start: int, count: int, scale: float, *, label: str, title: str, odd: bool = False) -> Block:
    width = count * scale
    text = label if len(label) * LETTER + 6 <= width else ""
    return Block(x=1 + start * scale, width=width, label=text, title=title, odd=odd)


def _rows(batch: int, index: int, one: Bin) -> Iterator[TableRow]:
    budget = "eager" if one.budget is None else str(one.budget)
    start = 0
    for item in one.items:
        yield _row(one, batch, index, budget, f"#{item.index}", item.grid, start, item.tokens)
        start += item.tokens
    if one.budget is not None and one.budget > start:
        yield _row(one, batch, index, budget, "padding", "", start, one.budget - start)


def _row(one: Bin, batch: int, index: int, budget: str, item: str, grid: str, start: int, count: int) -> TableRow:
    stop = start + count
    wrong = [(max(start, first), min(stop, last)) for first, last in _wrong(one)]
    return TableRow(
        batch=batch,
        bin=index,
        budget=budget,
        item=item,
        grid=grid,
        tokens=count,
        rows=f"{start}\N{EN DASH}{stop - 1}" if count else "none",
        wrong=", ".join(_range(first, last) for first, last in wrong if first < last),
    )
