"""The ledger of a run with compiles as geometry: whose each second is, above; who counted it, below.

Above, one lane for each thread: a compile is a block, what is nested in it stands below it, and only the part of
a block that is its own is filled. Below, a pair of bars for each counter (`reports/accounts.py`), and one pair that
sums to the wall time. `templates/ledger.html` draws it; its tables hold the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reports.accounts import LEFT, LETTER, PATTERNS, Balance, Names, Pair, balance, scale_of, told
from reports.accounts import pairs as account_pairs
from reports.compile_schema import LedgerEntry, LedgerSheet
from reports.seconds import MICROSECOND, Unit, exact, unit_for

ROW = 26.0
"""Height of one level of nesting."""
HEAD = 20.0
"""Space above a lane for its name."""
FOOT = 12.0
AXIS = 24.0
"""Space below the last lane for the numbers of the axis."""
LANE_LIMIT = 16
ENTRY_LIMIT = 120
"""Compiles that are drawn; the table has all of them."""
DEPTH_LIMIT = 12
"""Levels of nesting that are drawn."""
LEAST = 2.0
"""Width of a block that lasted no time."""
TICKS = 6
"""At most so many steps of the axis."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a block in which nothing is nested."""

    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Block:
    """One compile: its whole span, and the stretches of it that are its own."""

    x: float
    y: float
    width: float
    pattern: int
    counts: bool
    """False: none of its seconds belong to any counter."""
    own: tuple[Stretch, ...]
    label: str
    label_x: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One thread."""

    y: float
    name: str
    blocks: tuple[Block, ...]
    bottom: float


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One labelled time of the axis."""

    x: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One compile, for the table."""

    letter: str
    entry: LedgerEntry
    surplus: float
    """What was said for it beyond its own; negative: what was not said."""
    wrong: bool
    also: str | None
    """The letter of the compile that had counted the surplus already, if it is one of the sheet."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """A sheet as lanes, bars and tables, all in one unit."""

    sheet: LedgerSheet
    unit: Unit
    components: tuple[str, ...]
    """Names in the order of their patterns."""
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    lanes_bottom: float
    end: float
    """Where the wall time ends, in lanes and in bars."""
    pairs: tuple[Pair, ...]
    height: float
    balance: Balance
    rows: tuple[Row, ...]
    left_out: int
    description: str

    @property
    def uncounted(self) -> bool:
        """Whether there is a compile that counts for nothing."""
        return any(not block.counts for lane in self.lanes for block in lane.blocks)


@dataclass
class _Node:
    """One compile while its place is looked for; `free` are the stretches without anything nested."""

    entry: LedgerEntry
    letter: str
    depth: int
    cursor: float
    free: list[tuple[float, float]] = field(default_factory=list)

    def until(self, time: float) -> None:
        if time > self.cursor:
            self.free.append((self.cursor, min(time, self.entry.end)))
            self.cursor = time


def draw_ledger(sheet: LedgerSheet | None) -> Ledger | None:
    """The drawing of a sheet; None if there is none."""
    if sheet is None:
        return None
    lanes = _nested(sheet.entries)
    unit = unit_for(_extent(sheet), _numbers(sheet))
    nodes = [node for nodes in lanes.values() for node in nodes]
    components = _components(sheet)
    sums = balance(sheet, lanes=max(1, len(lanes)), extent=_extent(sheet))
    scale = scale_of(sums)
    drawn = tuple(_lanes(lanes, components, unit, scale * sums.lanes))
    bottom = drawn[-1].bottom + AXIS if drawn else 0.0
    names = Names([(node.entry, node.letter) for node in nodes])
    found = tuple(account_pairs(sheet, sums, names, components, unit, scale, top=bottom + FOOT))
    return Ledger(
        sheet=sheet,
        unit=unit,
        components=components,
        lanes=drawn,
        ticks=tuple(_ticks(_extent(sheet), scale * sums.lanes)),
        lanes_bottom=drawn[-1].bottom if drawn else 0.0,
        end=LEFT + sums.total * scale,
        pairs=found,
        height=found[-1].bottom,
        balance=sums,
        rows=tuple(_row(node, names, sheet.resolution) for node in nodes),
        left_out=len(nodes) - sum(len(lane.blocks) for lane in drawn),
        description=_description(sums, unit, nodes),
    )


def _numbers(sheet: LedgerSheet) -> Iterator[float]:
    """Every number that the sheet holds, so that all of them are shown whole."""
    yield sheet.wall
    for entry in sheet.entries:
        yield from (entry.start, entry.end, entry.own, entry.said or 0.0)
    for account in sheet.accounts:
        yield from (account.expected, account.counted)


def _components(sheet: LedgerSheet) -> tuple[str, ...]:
    """Every component that is named, sorted; its place decides on its pattern."""
    named = {entry.component for entry in sheet.entries} | {account.component for account in sheet.accounts}
    return tuple(sorted(named))


def _extent(sheet: LedgerSheet) -> float:
    """The wall time, or where the last compile ends if that is later: then the sheet is wrong, not the drawing."""
    return max([sheet.wall, *(entry.end for entry in sheet.entries)])


def _nested(entries: Sequence[LedgerEntry]) -> dict[int, list[_Node]]:
    """The compiles of each thread in the order of their starts, with their depth and letter."""
    lanes: dict[int, list[_Node]] = {}
    stacks: dict[int, list[_Node]] = {}
    # Sorting is stable: of two with the same span the first is the outer one.
    for number, entry in enumerate(sorted(entries, key=lambda each: (each.thread, each.start, -each.end))):
        stack = stacks.setdefault(entry.thread, [])
        while stack and stack[-1].entry.end <= entry.start:
            _close(stack.pop())
        if stack:
            stack[-1].until(entry.start)
            stack[-1].cursor = max(stack[-1].cursor, entry.end)
        node = _Node(entry, letter(number), len(stack), entry.start)
        stack.append(node)
        lanes.setdefault(entry.thread, []).append(node)
    for stack in stacks.values():
        for node in stack:
            _close(node)
    return lanes


def _close(node: _Node) -> None:
    node.until(node.entry.end)


def letter(number: int) -> str:
    """A, B, ..., Z, AA, AB, ..."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _lanes(lanes: dict[int, list[_Node]], components: Sequence[str], unit: Unit, scale: float) -> Iterator[Lane]:
    y, room = 0.0, ENTRY_LIMIT
    for thread, nodes in list(lanes.items())[:LANE_LIMIT]:
        shown = [node for node in nodes if node.depth < DEPTH_LIMIT][:room]
        if not shown:
            break
        room -= len(shown)
        workers = sorted({node.entry.worker for node in nodes})
        name = f"thread {thread}: worker{'s' if len(workers) > 1 else ''} {', '.join(map(str, workers))}"
        bottom = y + HEAD + ROW * (1 + max(node.depth for node in shown))
        blocks = tuple(_block(node, y + HEAD, components, unit, scale) for node in shown)
        yield Lane(y=y, name=name, blocks=blocks, bottom=bottom)
        y = bottom + FOOT


def _block(node: _Node, top: float, components: Sequence[str], unit: Unit, scale: float) -> Block:
    entry = node.entry
    free = node.free or [(entry.start, entry.end)]
    start, end = max(free, key=lambda span: span[1] - span[0])
    return Block(
        x=LEFT + entry.start * scale,
        y=top + ROW * node.depth,
        width=max(LEAST, (entry.end - entry.start) * scale),
        pattern=components.index(entry.component) % PATTERNS,
        counts=entry.own > 0,
        own=tuple(Stretch(x=LEFT + a * scale, width=(b - a) * scale) for a, b in node.free),
        label=_fitting(node, unit, (end - start) * scale),
        label_x=LEFT + (start + end) / 2 * scale,
        title=_title(node, unit),
    )


def _fitting(node: _Node, unit: Unit, width: float) -> str:
    """As much of the label as its stretch has room for."""
    own = f"own {unit.text(node.entry.own)}" if node.entry.own else "counts nothing"
    choices = (f"{node.letter}: {own}", node.letter)
    return next((text for text in choices if len(text) * LETTER + 4 <= width), "")


def _title(node: _Node, unit: Unit) -> str:
    entry = node.entry
    times = f"{unit.number(entry.start)} to {unit.text(entry.end)}"
    return f"{node.letter}: {entry.place}; {times}, own {unit.text(entry.own)}, logged {unit.text(entry.said)}"


def _row(node: _Node, names: Names, resolution: float) -> Row:
    entry = node.entry
    # What is not logged may still be counted: the accounts tell.
    surplus = 0.0
    if entry.said is not None:
        said = told(entry, resolution) if math.isfinite(entry.said) and entry.said >= 0 else entry.said
        surplus = exact(said - entry.own)
    # A surplus too small for a line's last digit is still one, if it is known whose seconds it has.
    wrong = surplus != 0 or entry.also is not None
    return Row(letter=node.letter, entry=entry, surplus=surplus, wrong=wrong, also=names.also(entry))


def _ticks(wall: float, scale: float) -> Iterator[Tick]:
    if not wall:
        return
    rough = max(wall / TICKS, MICROSECOND)
    power = 10.0 ** math.floor(math.log10(rough) + 1e-9)
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor >= rough * 0.999999)
    count = int(wall / step + 1e-9)
    exactly = unit_for(wall, [step])
    for number in range(count + 1):
        yield Tick(x=LEFT + number * step * scale, label=exactly.number(number * step))


def _description(sums: Balance, unit: Unit, nodes: Sequence[_Node]) -> str:
    told = "; ".join(_title(node, unit) for node in nodes[:ENTRY_LIMIT])
    counters = "; ".join(
        f"worker {row.account.worker}, {row.account.component}: expected {unit.text(row.account.expected)}, "
        f"counted {unit.text(row.account.counted)}"
        for row in sums.rows
    )
    return f"Wall time {unit.text(sums.total)}. Compiles: {told or 'none'}. Counters: {counters or 'none'}."
