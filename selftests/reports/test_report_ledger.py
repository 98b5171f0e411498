"""The ledger of a violation: each second has one owner, what is shown adds up to the wall time, and nothing is lost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.accounts import LEFT, RIGHT, WIDTH
from reports.compile_schema import LedgerAccount, LedgerEntry, LedgerSheet
from reports.ledger import Block, Ledger, draw_ledger, letter
from reports.seconds import UNITS, unit_for
from selftests.reports.compile_records import SHEETS
from selftests.reports.sample_compile import DOUBLE, INNER

MICROSECONDS = st.integers(0, 2_000_000)
TREES = st.recursive(MICROSECONDS, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=12)
"""Work of so many microseconds, or a compile of some of it."""


def _drawn(sheet: LedgerSheet) -> Ledger:
    drawing = draw_ledger(sheet)
    assert drawing is not None
    return drawing


def _walk(tree: object, start: int, thread: int, depth: int) -> tuple[list[LedgerEntry], int]:
    """The entries of a tree that starts at `start`, the outer one first, and where it ends; whole microseconds."""
    if isinstance(tree, int):
        return [], start + tree
    assert isinstance(tree, list)
    entries, now, own = [], start, 0
    for inner in tree:
        below, end = _walk(inner, now, thread, depth + 1)
        own += end - now if isinstance(inner, int) else 0
        entries += below
        now = end
    component = ("encoder", "language_model")[depth % 2]
    this = LedgerEntry(
        place=f"thread {thread}, {start} to {now}, depth {depth}",
        component=component,
        thread=thread,
        start=start / 1e6,
        end=now / 1e6,
        own=own / 1e6,
        said=own / 1e6,
    )
    return [this, *entries], now


@st.composite
def _honest(draw: st.DrawFn) -> LedgerSheet:
    """A sheet in which every number is right."""
    entries: list[LedgerEntry] = []
    ends = [1]
    for thread in range(draw(st.integers(1, 3))):
        below, end = _walk([draw(TREES)], draw(MICROSECONDS), thread, 0)
        entries += below
        ends.append(end)
    accounts = []
    for name in ("encoder", "language_model"):
        seconds = sum(round(each.own * 1e6) for each in entries if each.component == name) / 1e6
        accounts.append(LedgerAccount(component=name, expected=seconds, counted=seconds))
    return LedgerSheet(wall=max(ends) / 1e6, entries=tuple(entries), accounts=tuple(accounts))


def _blocks(drawing: Ledger) -> Iterator[Block]:
    return (block for lane in drawing.lanes for block in lane.blocks)


@settings(deadline=None)
@given(sheet=_honest())
def test_every_second_has_one_owner(sheet: LedgerSheet) -> None:
    """What is filled of a compile is as long as its own seconds, and no two of a thread fill the same place."""
    drawing = _drawn(sheet)
    scale = (drawing.end - LEFT) / (drawing.balance.wall * drawing.balance.lanes)
    owns = {row.letter: row.entry.own for row in drawing.rows}
    for lane in drawing.lanes:
        for block in lane.blocks:
            own = owns[block.title.split(":")[0]]
            assert sum(part.width for part in block.own) == pytest.approx(
                own * scale * drawing.balance.lanes, rel=1e-6, abs=1e-3
            )
        filled = sorted((part.x, part.width) for block in lane.blocks for part in block.own)
        for (x, width), (after, _) in pairwise(filled):
            assert x + width <= after + 1e-6


@settings(deadline=None)
@given(sheet=_honest())
def test_what_is_shown_adds_up(sheet: LedgerSheet) -> None:
    """As printed, the counters and the residual are the wall time of all threads, to the last digit."""
    drawing = _drawn(sheet)
    sums = drawing.balance

    def shown(seconds: float) -> Decimal:
        return Decimal(drawing.unit.column(seconds).replace(",", "").replace("\N{MINUS SIGN}", "-"))

    counted = sum((shown(row.account.counted) for row in sums.rows), Decimal(0))
    expected = sum((shown(row.account.expected) for row in sums.rows), Decimal(0))
    assert counted + shown(sums.residual) == shown(sums.total)
    assert expected + shown(sums.nobody) == shown(sums.total)
    assert sum((shown(row.entry.own) for row in drawing.rows), Decimal(0)) == expected
    assert not any(row.wrong for row in sums.rows)
    assert not any(row.wrong for row in drawing.rows)
    assert not any(pair.wrong for pair in drawing.pairs)


@settings(deadline=None)
@given(sheet=SHEETS)
def test_everything_stays_inside(sheet: LedgerSheet) -> None:
    """Whatever a sheet holds, nothing leaves the view box, and no compile or counter is lost."""
    drawing = _drawn(sheet)
    assert len(drawing.rows) == len(sheet.entries) == len(list(_blocks(drawing))) + drawing.left_out
    assert len(drawing.balance.rows) == len(sheet.accounts)
    places = [(block.x, block.width) for block in _blocks(drawing)]
    places += [(part.x, part.width) for pair in drawing.pairs for part in (*pair.expected, *pair.counted)]
    assert all(x >= LEFT - 0.01 and x + width <= WIDTH for x, width in places)
    assert all(LEFT - 0.01 <= tick.x <= RIGHT + 0.01 for tick in drawing.ticks)
    assert drawing.pairs[-1].bottom <= drawing.height


def test_seconds_that_are_counted_twice_are_named() -> None:
    """The surplus stands in the outer counter, is called by the inner compile's letter, and names both places."""
    drawing = _drawn(DOUBLE)
    (row,) = [row for row in drawing.rows if row.wrong]
    assert (row.letter, row.surplus, row.also, row.entry.also) == ("A", 2.0, "B", INNER)
    wrong = [pair for pair in drawing.pairs if pair.wrong]
    assert wrong[0].words == "worker 0, language_model: expected 3 s, counted 5 s, 2 s too much"
    assert [(part.kind, part.label) for part in wrong[0].counted] == [("own", "A 3 s"), ("surplus", "B again")]
    assert wrong[1].words == "wall time, 2 threads of 9 s each = 9.000125 s counted + 8.999875 s residual"
    assert wrong[1].counted[-1].kind == "residual"


def test_what_counts_nothing_is_not_filled() -> None:
    """A compile that failed is a dashed block: its seconds have no owner."""
    drawing = _drawn(DOUBLE)
    (idle,) = [block for block in _blocks(drawing) if not block.counts]
    assert idle.title.startswith("C: worker 1, thread 1: encoder, load that fails; 0.5 to 1.25 s, own 0 s")
    assert drawing.uncounted


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        (math.nan, "expected 2 s, counted NaN s"),
        (math.inf, "counted Inf s, Inf s too much"),
        (-1.0, "counted \N{MINUS SIGN}1 s, 3 s missing"),
        (0.0, "counted 0 s, 2 s missing"),
        (1e300, "counted 1e+300 s, 1e+300 s too much"),
        (100.0, "counted 100 s, 98 s too much"),
    ],
)
def test_counters_may_say_anything(counted: float, words: str) -> None:
    """A counter that is no number, negative or huge is shown as what it is, and its bar ends with the drawing."""
    account = LedgerAccount(component="encoder", expected=2.0, counted=counted)
    entry = LedgerEntry(place="here", component="encoder", start=0.0, end=2.0, own=2.0)
    drawing = _drawn(LedgerSheet(wall=4.0, entries=(entry,), accounts=(account,)))
    assert words in drawing.pairs[0].words
    assert drawing.pairs[0].wrong
    assert drawing.pairs[0].cut == (math.isfinite(counted) and counted > 8)


def test_a_rounded_line_is_no_difference() -> None:
    """A line with two decimals says what is right if it is off by half of the last one, and not if by more."""
    entry = LedgerEntry(place="here", component="encoder", start=0.0, end=2.0, own=1.2345, said=1.23)
    near = LedgerSheet(wall=4.0, entries=(entry,), resolution=0.01)
    assert not _drawn(near).rows[0].wrong
    assert _drawn(replace(near, resolution=0.0)).rows[0].surplus == -0.0045
    far = replace(near, entries=(replace(entry, said=1.22),))
    assert _drawn(far).rows[0].wrong


def test_seconds_without_a_line_are_told_by_number() -> None:
    """A counter that says more than all lines has its surplus all the same."""
    entry = LedgerEntry(place="here", component="encoder", start=0.0, end=2.0, own=2.0)
    account = LedgerAccount(component="encoder", expected=2.0, counted=3.0)
    pair = _drawn(LedgerSheet(wall=4.0, entries=(entry,), accounts=(account,))).pairs[0]
    assert [(part.kind, part.label) for part in pair.counted] == [("own", "2 s"), ("surplus", "1 s")]


def test_a_surplus_below_the_last_digit_is_named() -> None:
    """Lines of two decimals cannot tell of a microsecond: the compile that names whose it counted is marked."""
    outer = LedgerEntry(
        place="outer", component="language_model", start=0.0, end=2e-6, own=1e-6, said=0.0, also="inner"
    )
    inner = LedgerEntry(place="inner", component="encoder", start=1e-6, end=2e-6, own=1e-6, said=0.0)
    accounts = (
        LedgerAccount(component="encoder", expected=1e-6, counted=1e-6),
        LedgerAccount(component="language_model", expected=1e-6, counted=2e-6),
    )
    drawing = _drawn(LedgerSheet(wall=2e-6, entries=(outer, inner), accounts=accounts, resolution=0.01))
    assert [(part.kind, part.label) for part in drawing.pairs[1].counted] == [
        ("own", "A 1 µs"),
        ("surplus", "B again 1 µs"),
    ]
    assert [row.wrong for row in drawing.rows] == [True, False]
    assert [tick.label for tick in drawing.ticks] == ["0", "1", "2"]


def test_lost_seconds_are_drawn_empty() -> None:
    """What was expected and not counted stands behind what was counted."""
    account = LedgerAccount(component="encoder", expected=2.0, counted=0.5)
    entry = LedgerEntry(place="here", component="encoder", start=0.0, end=2.0, own=2.0, said=0.5)
    drawing = _drawn(LedgerSheet(wall=4.0, entries=(entry,), accounts=(account,)))
    assert [(part.kind, part.label) for part in drawing.pairs[0].counted] == [
        ("own", "A 0.5 s"),
        ("lost", "missing 1.5 s"),
    ]


def test_units_follow_the_wall_time() -> None:
    """Microseconds are not shown as zeros, and digits that no number has are left out."""
    assert draw_ledger(None) is None
    assert [unit_for(extent, [extent]).text(extent) for extent in (0.0, 3e-6, 0.0025, 1.5, 3600.0)] == [
        "0 s", "3 µs", "2.5 ms", "1.5 s", "3,600 s",
    ]  # fmt: skip
    assert unit_for(9.0, [9.0, 2.25]).column(9.0) == "9.00"
    assert [UNITS[0].number(one) for one in (-0.0, -1e-9, math.nan)] == ["0", "0", "NaN"]
    assert [letter(number) for number in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
