"""The table of starts: what is shown is what was measured, a little is never nothing, and no bar leaves its cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from reports import html
from reports.records import read
from reports.schema import Law
from reports.sheet_schema import StartPhase, StartupSheet
from reports.startup import COUNTS, SECONDS, START_LIMIT, TABLE_LIMIT, WIDTH, StartTable, start_table, startups
from reports.summary import Summary, summarise
from reports.validation import RecordError, parse
from selftests.reports import sample
from selftests.reports.sample_sheets import SHARED, STARTS, shares_violation, start
from selftests.reports.sheet_records import STARTUPS
from selftests.reports.test_report_html import Page

LAW = "budgets/ladder-sorted"


def _of(tmp_path: Path, *lines: Law) -> Summary:
    return summarise(read(sample.write(tmp_path / "r.jsonl", lines or sample.records())))


def _table(sheet: StartupSheet) -> StartTable:
    table = start_table(sheet)
    assert table is not None
    return table


def _shown(table: StartTable, metric: str, phase: str) -> tuple[str, str, str]:
    lines = next(each for each in table.metrics if each.name == metric).lines
    line = next(each for each in lines if each.phase == phase)
    return line.average, line.least, line.greatest


def test_averages_by_hand() -> None:
    """Average, least and greatest of each phase alone: cold and warm are never mixed."""
    table = _table(STARTS)
    assert (table.unit, table.counted) == ("s", "2 cold and 1 warm")
    assert _shown(table, "whole start", "cold") == ("10.105", "9.810", "10.400")
    assert _shown(table, "whole start", "warm") == ("3.100", "3.100", "3.100")
    assert _shown(table, "compiling the language model", "cold") == ("3.200", "3.100", "3.300")
    assert _shown(table, "compiled", "cold") == ("12", "12", "12")
    assert _shown(table, "loaded from the cache", "warm") == ("12", "12", "12")


def test_a_little_is_not_nothing() -> None:
    """Whether encoders compiled at all is what the number is for: above zero is never shown as zero."""
    assert _shown(_table(STARTS), "compiling encoders", "warm")[0] == "< 0.001"
    none = replace(STARTS, phases=(StartPhase(phase="warm", starts=(start(3.0, 1.0, 0.5, 0.0, 0, 1),)),))
    assert _shown(_table(none), "compiling encoders", "warm")[0] == "0.000"


def test_short_starts_have_a_smaller_unit() -> None:
    """Starts of microseconds are not a column of zeros."""
    short = StartPhase(phase="cold", starts=(start(0.004, 0.002, 0.0005, 0.0, 1, 0),))
    table = _table(StartupSheet(phases=(short,)))
    assert table.unit == "ms"
    assert _shown(table, "compiling the language model", "cold")[0] == "0.500"


def test_a_number_that_is_none_is_shown() -> None:
    """NaN is neither least nor greatest, wherever it stands; Inf has a word and no length."""
    for broken in ((float("nan"), 1.0), (1.0, float("nan"))):
        phase = StartPhase(phase="cold", starts=tuple(start(each, 0.5, 0.1, 0.0, 1, 0) for each in broken))
        assert _shown(_table(StartupSheet(phases=(phase,))), "whole start", "cold") == ("NaN", "NaN", "NaN")
    endless = StartPhase(phase="cold", starts=(start(float("inf"), 1.0, 0.1, 0.0, 1, 0),))
    assert _shown(_table(StartupSheet(phases=(endless,))), "whole start", "cold") == ("Inf", "Inf", "Inf")


@settings(deadline=None)
@given(sheet=STARTUPS)
def test_every_bar_stays_in_its_cell(sheet: StartupSheet) -> None:
    """Whatever was measured: bars and whiskers fit, every phase that has starts is in every metric, every start too."""
    table = _table(sheet)
    measured = [each.phase for each in sheet.phases if each.starts]
    assert [metric.name for metric in table.metrics] == [*SECONDS, *COUNTS]
    for metric in table.metrics:
        assert [line.phase for line in metric.lines] == measured
        for line in metric.lines:
            assert 0 <= line.bar <= WIDTH
            assert 0 <= line.whisker[0] <= line.whisker[1] <= WIDTH
    assert len(table.starts) + table.left_out == sum(len(each.starts) for each in sheet.phases)


def test_page_has_a_section_and_a_violation_its_starts(tmp_path: Path) -> None:
    """Note, numbers and every start; a violation that has starts shows them too."""
    source = html.render(_of(tmp_path))
    page = Page(source)
    assert "Cold and warm starts" in page.text
    assert STARTS.note in page.text
    assert "Of 2 cold and 1 warm starts, in s" in page.text
    assert "cold 2" in page.text
    assert "#startup" in page.links
    broken = sample.law(LAW, "toy", verdict="violated", violation=shares_violation(), sheet=STARTS)
    both = Page(html.render(_of(tmp_path, broken)))
    assert both.text.count(STARTS.note) == 2 + both.text.count('"note": "toy')
    assert both.open == []


def test_a_run_without_starts_has_no_section(tmp_path: Path) -> None:
    """Nor an entry among its contents."""
    page = Page(html.render(_of(tmp_path, sample.law(LAW, "toy", sheet=SHARED))))
    assert "#startup" not in page.links
    assert start_table(SHARED) is None


def test_nothing_measured_is_said(tmp_path: Path) -> None:
    """A sheet without a start is no empty table."""
    page = Page(html.render(_of(tmp_path, sample.law(LAW, "toy", sheet=StartupSheet(note="all failed")))))
    assert "No start was measured." in page.text


def test_much_is_cut_aloud(tmp_path: Path) -> None:
    """Starts beyond the limit are counted in the averages and named as left out; so many tables and no more."""
    many = StartPhase(phase="cold", starts=(start(1.0, 0.5, 0.1, 0.0, 1, 0),) * (START_LIMIT + 7))
    table = _table(StartupSheet(phases=(many,)))
    assert (len(table.starts), table.left_out, table.counted) == (START_LIMIT, 7, f"{START_LIMIT + 7} cold")
    laws = [sample.law(LAW, f"f{n}", sheet=STARTS) for n in range(TABLE_LIMIT + 2)]
    assert len(startups(_of(tmp_path, *laws).cells)) == TABLE_LIMIT


@pytest.mark.parametrize(
    ("phases", "reason"),
    [
        ([{"phase": "tepid"}], "'tepid' is not one of cold, warm"),
        ([{"phase": "cold"}, {"phase": "cold"}], "phases: 'cold' stands there 2 times, each phase stands once"),
        ([{"phase": "cold", "starts": [{}]}], "the field 'seconds' is missing"),
    ],
)
def test_bad_sheets_are_refused(phases: list[dict[str, object]], reason: str) -> None:
    """The text names the field and the valid choices."""
    sheet = {"kind": "startup", "phases": phases}
    with pytest.raises(RecordError) as found:
        parse({"kind": "law", "law": "a", "family": "b", "verdict": "holds", "sheet": sheet}, strict=True)  # type: ignore[dict-item]  # as decoded
    assert reason in str(found.value)
