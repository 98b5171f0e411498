"""The table of compiled graphs: its numbers add up as they are shown, and a run without graphs says so."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import html
from reports.compile_schema import CompiledGraph
from reports.compiled import ROW_LIMIT, WIDTH, CompiledGraphs, GraphRow, compiled
from reports.records import read
from reports.schema import Law
from reports.summary import Summary, summarise
from reports.tables import Cell
from selftests.reports import sample
from selftests.reports.compile_records import GRAPHS as ANY_GRAPHS
from selftests.reports.sample_compile import GRAPHS
from selftests.reports.test_report_html import Page

LAW = "compile/counted-once"
PLAIN = CompiledGraph(program="tower", backend="eager", component="encoder", wall=1.0, counted=1.0)


def _rows(*graphs: CompiledGraph) -> CompiledGraphs:
    law = Law(law=LAW, family="toy", verdict="holds", cases=5, graphs=graphs)
    found = compiled([Cell(law=LAW, family="toy", column="", standing="holds", reason=None, records=(law,))])
    assert found is not None
    return found


def _row(graph: CompiledGraph) -> GraphRow:
    return _rows(graph).families["toy"][0]


def _of(tmp_path: Path, *lines: Law) -> Summary:
    return summarise(read(sample.write(tmp_path / "r.jsonl", lines or sample.records())))


@given(seconds=st.lists(st.floats(0, 100), min_size=1, max_size=6), wall=st.floats(0, 500))
def test_what_is_shown_adds_up(seconds: list[float], wall: float) -> None:
    """Trace, pieces and residual are the monitored seconds, as printed and to the last digit."""
    row = _row(replace(PLAIN, wall=wall, trace_seconds=seconds[0], piece_seconds=tuple(seconds[1:])))
    parts = [Decimal(text.replace("\N{MINUS SIGN}", "-")) for text in (row.trace, row.in_pieces, row.residual)]
    assert sum(parts) == Decimal(row.wall)
    assert row.words == f"trace {row.trace} + pieces {row.in_pieces} + residual {row.residual} = {row.wall} s"


@settings(deadline=None)
@given(graphs=st.lists(ANY_GRAPHS, min_size=1, max_size=4, unique_by=repr))
def test_everything_stays_inside(graphs: list[CompiledGraph]) -> None:
    """Whatever the numbers, no bar leaves its view box, and no graph is lost."""
    rows = _rows(*graphs).families["toy"]
    assert len(rows) == len(graphs)
    for row in rows:
        assert all(part.x >= 0 and part.x + part.width <= WIDTH * 1.000001 for part in row.slices)
        assert 0 <= row.counter_width <= WIDTH * 1.000001


@pytest.mark.parametrize(
    ("counted", "equal"), [(1.0, True), (1.01, True), (1.02, False), (0.0, False), (math.nan, False)]
)
def test_a_counter_agrees_or_does_not(counted: float, equal: bool) -> None:
    """Equal is equal as far as two decimals tell."""
    assert _row(replace(PLAIN, counted=counted)).equal is equal


def test_parts_longer_than_the_whole_are_wrong() -> None:
    """Rounding may make the residual a little less than nothing; more than that is a second counted twice."""
    assert not _row(replace(PLAIN, trace_seconds=0.51, piece_seconds=(0.5,))).beyond
    long = _row(replace(PLAIN, trace_seconds=0.8, piece_seconds=(0.9,)))
    assert long.beyond
    assert long.residual == "\N{MINUS SIGN}0.70"


def test_page_has_each_graph(tmp_path: Path) -> None:
    """Each family has its rows with counts, sums and the counter; names are escaped."""
    page = Page(html.render(_of(tmp_path)))
    assert "trace 2.31 + pieces 9.54 + residual 2.35 = 14.20 s" in page.text
    assert "28.40 s \N{MULTIPLICATION X} monitored 14.20 s" in page.text.replace(
        "s\N{MULTIPLICATION X}", "s \N{MULTIPLICATION X}"
    )
    assert "qwen3-vl <merger> & tower" in page.text
    assert page.text.count("\N{CHECK MARK} as monitored") == sum(map(len, GRAPHS.values())) - 1
    assert "what a tower was compiled to" not in page.text.lower()


def test_without_graphs_the_page_says_so(tmp_path: Path) -> None:
    """There is no section, no link to it, and one line among the limits."""
    source = html.render(_of(tmp_path, sample.law("packing/every-item-once", "toy")))
    assert "#ledger" not in source
    assert 'id="ledger"' not in source
    assert "No verdict tells what a tower was compiled to" in source


def test_one_graph_is_one_row() -> None:
    """Told twice by one law it stands once; beyond the limit rows are counted."""
    assert len(_rows(PLAIN, PLAIN).families["toy"]) == 1
    many = _rows(*(replace(PLAIN, program=f"tower {number}") for number in range(ROW_LIMIT + 3)))
    assert (len(many.families["toy"]), many.left_out) == (ROW_LIMIT, 3)
