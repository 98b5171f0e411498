"""The rank view: every item in a bar and in the table, nothing outside the drawing, what is wrong in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from reports import html
from reports.encoding import Json
from reports.rank_panels import HEAD, ITEM_LIMIT, LEFT, RANK_LIMIT, RIGHT, WIDTH, Panel, count
from reports.ranks import BATCH_LIMIT, DrawnBatch, RankView, examples, rank_view
from reports.records import read
from reports.schema import Law
from reports.sheet_schema import RanksSheet, SharedBatch
from reports.summary import Summary, summarise
from reports.unshown import unshown
from reports.validation import RecordError, parse
from selftests.reports import sample
from selftests.reports.sample_sheets import EVEN, SHARED, SHARED_BADLY, STARTS, WRONG, share, shares_violation
from selftests.reports.sheet_records import RANKS
from selftests.reports.test_report_html import Page

LAW = "ranks/balanced"
SLACK = 1e-6


def _of(tmp_path: Path, *lines: Law) -> Summary:
    return summarise(read(sample.write(tmp_path / "r.jsonl", lines or sample.records())))


def _violated(sheet: RanksSheet = SHARED_BADLY) -> Law:
    return sample.law(LAW, "toy", verdict="violated", violation=shares_violation(), sheet=sheet)


def _view(sheet: RanksSheet) -> RankView:
    view = rank_view(sheet)
    assert view is not None
    return view


def _batch(batch: SharedBatch) -> DrawnBatch:
    return _view(RanksSheet(batches=(batch,))).batches[0]


def _inside(panel: Panel) -> bool:
    spans = [
        (each.x, each.x + each.width)
        for bar in panel.bars
        for each in (*bar.stretches, *([bar.padding] if bar.padding else []))
    ]
    ends = [(LEFT, bar.end) for bar in panel.bars] + [(line.x, line.x) for line in panel.lines]
    return all(LEFT - SLACK <= start <= stop + SLACK <= RIGHT + 2 * SLACK for start, stop in (*spans, *ends))


@settings(deadline=None)
@given(sheet=RANKS)
def test_nothing_leaves_the_drawing_and_nothing_is_lost(sheet: RanksSheet) -> None:
    """Whatever a sheet holds: bars, lines and padding stay between their ends, and the table has every rank."""
    view = rank_view(sheet)
    batches = view.batches if view else ()
    assert len(batches) == len(sheet.batches)
    for drawn, batch in zip(batches, sheet.batches, strict=True):
        assert all(map(_inside, drawn.panels))
        assert [row.rank for row in drawn.table] == [each.rank for each in batch.ranks]
        for panel in drawn.panels:
            assert [len(bar.stretches) for bar in panel.bars] == [len(each.items) for each in batch.ranks]
            assert panel.height >= HEAD + len(panel.bars)


def test_items_are_to_scale() -> None:
    """By hand: 88 of 110 rows is four fifths of the length, and an item of 64 rows has its share of it."""
    encodes, to_gather = _batch(EVEN).panels
    length = RIGHT - LEFT
    assert [round(bar.end - LEFT, 6) for bar in encodes.bars] == [
        round(length * load / 110, 6) for load in (64, 64, 88, 0)
    ]
    best, bound = encodes.lines
    assert [best.words, bound.words] == ["best 88", "bound 110"]
    assert (round(best.x - LEFT, 6), round(bound.x, 6)) == (round(length * 0.8, 6), RIGHT)
    assert [bar.padding.width if bar.padding else 0 for bar in to_gather.bars] == pytest.approx(
        [length * padding / 22 for padding in (6, 6, 0, 22)]
    )
    assert [bar.words for bar in to_gather.bars] == ["16 + 6", "16 + 6", "22", "0 + 22"]
    assert [bar.words for bar in encodes.bars] == ["64, 73 %", "64, 73 %", "88, 100 %", "idle"]


def test_an_even_batch_has_nothing_wrong() -> None:
    """No mark, no sentence, no red row."""
    drawn = _batch(EVEN)
    assert drawn.wrong == ()
    assert not any(row.wrong for row in drawn.table)
    assert not any(bar.wrong or each.wrong for panel in drawn.panels for bar in panel.bars for each in bar.stretches)


def test_what_is_wrong_is_said() -> None:
    """An exception, a lost item, a doubled one, too great a load, a stranger: each in a sentence and in the table."""
    drawn = _batch(WRONG)
    assert drawn.wrong == (
        "Raised on rank 3.",
        "On no rank: item 5.",
        "Encoded 2 times: item 3, on ranks 0, 1.",
        "Rank 0 has 160 input rows, more than the bound allows.",
        "Rank 2 encoded 1 item that the batch does not have.",
    )
    assert [row.wrong for row in drawn.table] == [True] * 4
    marked = [each.title for bar in drawn.panels[0].bars for each in bar.stretches if each.wrong]
    assert marked == ["item 3, 16 input rows, encoded more than once"] * 2
    cross = "\N{MULTIPLICATION X}"
    assert [bar.words for bar in drawn.panels[0].bars] == [
        f"{cross} 160, 100 %", "32, 20 %", "idle", f"{cross} raised"
    ]  # fmt: skip


def test_a_load_at_the_bound_is_within_it() -> None:
    """The bound is a fraction that was rounded: a load of exactly that is none too much."""
    at = replace(EVEN, best=3, bound=4 / 3 - 1 / 9, ranks=(share(0, ((0, 11, 1),), most=1),))
    assert _batch(replace(at, best=9)).wrong == ()
    assert _batch(at).wrong == ("Rank 0 has 11 input rows, more than the bound allows.",)


def test_without_the_best_there_are_no_lines() -> None:
    """A batch of more items than can be tried is drawn, and nothing is called wrong by a bound."""
    drawn = _batch(replace(WRONG, best=None))
    assert drawn.panels[0].lines == ()
    assert "the best assignment is not known" in drawn.measured
    assert not any("bound" in words for words in drawn.wrong)


def test_much_is_cut_aloud() -> None:
    """Of many batches the last are drawn, of many ranks the first; items beyond the limit stay in the table."""
    many = replace(EVEN, ranks=tuple(share(rank, (), most=0) for rank in range(RANK_LIMIT + 3)))
    view = _view(RanksSheet(batches=(many,) * (BATCH_LIMIT + 2)))
    assert (len(view.batches), view.left_out, view.batches[0].left_out) == (BATCH_LIMIT, 2, 3)
    assert len(view.batches[0].table) == RANK_LIMIT + 3
    crowd = _batch(replace(EVEN, ranks=(share(0, tuple((n, 4, 1) for n in range(ITEM_LIMIT + 5)), most=99),)))
    assert len(crowd.panels[0].bars[0].stretches) == ITEM_LIMIT
    assert crowd.table[0].items.count("#") == ITEM_LIMIT + 5
    assert "and 5 more" in crowd.panels[0].description


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0"), (74.666, "74.7"), (1234, "1,234"), (999_999, "999,999"), (10**6, "1e+06")]
)
def test_numbers_are_short(value: float, words: str) -> None:
    """One decimal at most, and no number wider than its place."""
    assert count(value) == words


def test_the_page_draws_a_violation_and_an_example(tmp_path: Path) -> None:
    """The violation with its sentences, table and both panels; the fullest case that held in a section of its own."""
    page = Page(html.render(_of(tmp_path, *[each for each in sample.records() if isinstance(each, Law)], _violated())))
    assert "Shares of the ranks" in page.text
    assert "Rank 0 has 160 input rows, more than the bound allows." in page.text
    assert "MemoryError: planted on a rank" in page.text
    assert "#3 (16 \N{RIGHTWARDS ARROW} 4)" in page.text
    assert "Batches over ranks" not in page.text, "the one case that held is that of a cell that is violated"
    even = Page(html.render(_of(tmp_path)))
    assert "Batches over ranks" in even.text
    assert "The fullest batch that was told of ranks/balanced, which held on toy." in even.text
    assert "#sharing" in even.links


def test_the_fullest_family_is_the_example(tmp_path: Path) -> None:
    """One of each law, never that of a violation."""
    small = replace(SHARED, batches=(replace(EVEN, ranks=EVEN.ranks[:1]),))
    laws = [sample.law(LAW, "toy", sheet=small), sample.law(LAW, "internvl", sheet=SHARED)]
    (found,) = examples(_of(tmp_path, *laws).cells)
    assert (found.law, found.place) == (LAW, "internvl")
    assert examples(_of(tmp_path, _violated()).cells) == ()


def test_a_run_without_ranks_says_so(tmp_path: Path) -> None:
    """It stands among what the run does not show; a sheet of another kind changes nothing of that."""
    silent = [each.text for each in unshown(_of(tmp_path, sample.law(LAW, "toy", sheet=STARTS)))]
    assert "No verdict shows how a batch is shared out over ranks." in silent
    assert "No verdict tells how long a cold or a warm start takes." not in silent
    assert rank_view(STARTS) is None
    assert not {each.topic for each in unshown(_of(tmp_path))} & {"ranks", "starts"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"load": -1}, "rank, load, padding and strangers must be from 0"),
        ({"items": [[0, 4]]}, "items: triples [index, input rows, output tokens], got [0, 4]"),
        ({"items": [[0, 4, -1]]}, "items must be from 0"),
        ({"padding": 10**13}, "rank, load, padding and strangers must be from 0 to 1,000,000,000,000"),
        ({"colour": "red"}, "unknown field 'colour'"),
    ],
)
def test_bad_shares_are_refused(changes: dict[str, object], reason: str) -> None:
    """What cannot be drawn is no record; the text names the field."""
    one = {"rank": 0, "items": [], "load": 0, "padding": 0, **changes}
    sheet = {"kind": "ranks", "batches": [{"number": 0, "bound": 1.0, "ranks": [one]}]}
    with pytest.raises(RecordError) as found:
        parse({"kind": "law", "law": "a", "family": "b", "verdict": "holds", "sheet": sheet}, strict=True)  # type: ignore[dict-item]  # as decoded
    assert reason in str(found.value)


def test_a_kind_of_a_later_release_is_left_out() -> None:
    """The reader leaves it out, as it does with unknown fields; the writer refuses it, and so does one without kind."""
    line: dict[str, Json] = {"kind": "law", "law": "a", "family": "b", "verdict": "holds", "sheet": {"kind": "smells"}}
    law = parse(line)
    assert isinstance(law, Law)
    assert law.sheet is None
    with pytest.raises(RecordError, match=r"law\.sheet\.kind: 'smells' is not one of ranks, startup"):
        parse(line, strict=True)
    with pytest.raises(RecordError, match=r"law\.sheet: expected an object with a kind"):
        parse({**line, "sheet": {"batches": []}})


def test_the_panel_has_room_for_its_words() -> None:
    """The words behind a bar end inside the view box, for loads of six digits too."""
    huge = replace(EVEN, best=1, ranks=(share(0, ((0, 999_999, 999_999),), most=999_999),))
    for panel in _batch(huge).panels:
        assert all(290 + 6.8 * len(bar.words) <= WIDTH for bar in panel.bars)
