"""The drawing of a packing: everything to scale, inside the view box, and said again in a table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.drawing import BIN_LIMIT, WIDTH, draw
from reports.schema import Batch, Bin, Placed
from selftests.reports import sample
from selftests.reports.test_report_records import BINS


def _history() -> tuple[Batch, ...]:
    plan = sample.numbers_violation().plan
    assert plan is not None
    return plan


def test_blocks_are_to_scale() -> None:
    """One scale serves all bars: 16 tokens are twice as wide as 8, in whichever bin."""
    drawing = draw(_history())
    assert drawing is not None
    first, second = drawing.bars[:2]
    assert first.blocks[1].width == pytest.approx(2 * second.blocks[0].width)
    assert first.padding is not None
    assert first.padding.title == "padding, 14 tokens"
    assert drawing.bars[2].end is None, "an eager call has no budget"


def test_wrong_rows_are_marked_and_named() -> None:
    """Rows are half-open ranges; the words name the first and the last wrong row."""
    drawing = draw(_history())
    assert drawing is not None
    assert drawing.wrong
    assert [mark.rows for mark in drawing.bars[0].marks] == ["rows 12\N{EN DASH}17", "row 42"]
    assert drawing.bars[0].wrong is not None
    assert drawing.bars[0].wrong.text.endswith("row 42 wrong")
    assert "Wrong: rows 12\N{EN DASH}17, row 42." in drawing.description


def test_table_says_the_same() -> None:
    """The table has each item, the padding, and the wrong rows of each, so that the drawing is not needed."""
    drawing = draw(_history())
    assert drawing is not None
    rows = {(row.batch, row.bin, row.item): row for row in drawing.table}
    assert rows[0, 0, "#0"].wrong == "rows 12\N{EN DASH}17"
    assert rows[0, 0, "#0"].rows == "2\N{EN DASH}17"
    assert rows[0, 0, "padding"].tokens == 14
    assert rows[0, 2, "#6"].budget == "eager"


def test_bin_over_its_budget() -> None:
    """A bin with more tokens than its budget is drawn in full, and its caption says by how much."""
    drawing = draw((Batch(batch=0, bins=(Bin(budget=4, items=(Placed(index=0, tokens=6, grid="2x3"),)),)),))
    assert drawing is not None
    (bar,) = drawing.bars
    assert bar.caption.endswith("2 over the budget")
    assert bar.end is not None
    assert bar.end < bar.width


def test_nothing_to_draw() -> None:
    """A history without bins has no drawing."""
    assert draw(()) is None
    assert draw((Batch(batch=0),)) is None


@settings(deadline=None)
@given(bins=st.lists(BINS, min_size=1, max_size=2 * BIN_LIMIT))
def test_everything_stays_inside(bins: list[Bin]) -> None:
    """Whatever the plan, no block, padding or mark leaves the view box, and no bin is lost."""
    drawing = draw((Batch(batch=0, bins=tuple(bins)),))
    assert drawing is not None
    assert len(drawing.bars) + drawing.left_out == len(bins)
    for bar in drawing.bars:
        parts = [(one.x, one.width) for one in (*bar.blocks, *([bar.padding] if bar.padding else []))]
        parts += [(one.x, one.width) for one in bar.marks]
        # A mark is never thinner than three units, so that a single row among thousands is seen.
        assert all(x >= -0.01 and x + width <= WIDTH + 4 for x, width in parts)
        assert 0 <= bar.y < drawing.height
        assert bar.width <= WIDTH
