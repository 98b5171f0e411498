"""The decoration diff: both sides in full, mistakes never hidden, and nothing called untouched that nobody compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import html
from reports.decoration import ALLOWED_LIMIT, BRIEF, LONG, MISTAKE_LIMIT, Diff, Value, diff, one_line, sides
from reports.decoration_schema import DecorationRow, DecorationSheet
from reports.decoration_story import Story, StoryRow, story
from reports.encoding import decode, encode
from reports.markdown import as_markdown
from reports.records import read
from reports.schema import Law
from reports.summary import Summary, as_text, summarise
from reports.validation import RecordError, parse
from selftests.reports import sample
from selftests.reports.decoration_records import DECORATIONS, VALUES
from selftests.reports.sample_decoration import LEFT_ALONE, UNTOUCHED, WRITTEN, change, decoration_violation, many
from selftests.reports.test_report_html import Page

LAW = "classes/untouched"


def _law(sheet: DecorationSheet | None, family: str = "toy", **changes: object) -> Law:
    return sample.law(LAW, family, decoration=sheet, **changes)


def _violated(sheet: DecorationSheet | None, family: str = "toy", **changes: str) -> Law:
    violation = replace(decoration_violation(f"c1a5{family}"), **changes)  # type: ignore[arg-type]  # fields by name
    return _law(sheet, family, verdict="violated", violation=violation)


def _of(tmp_path: Path, *lines: Law) -> Summary:
    return summarise(read(sample.write(tmp_path / "r.jsonl", lines or sample.records())))


def _drawn(sheet: DecorationSheet) -> Diff:
    drawn = diff(sheet)
    assert drawn is not None
    return drawn


def _told(tmp_path: Path, *sheets: DecorationSheet) -> Story:
    told = story(_of(tmp_path, *(_law(sheet, f"f{n}") for n, sheet in enumerate(sheets))).cells)
    assert told is not None
    return told


def _text(value: Value) -> str:
    return value.head + value.middle + value.tail


@given(before=VALUES, after=VALUES)
def test_both_sides_are_whole(before: str, after: str) -> None:
    """A value, or the whole text beside its cut, is what the record holds; its ends are those of the other side."""
    for side, text in zip(sides(before, after), (before, after), strict=True):
        assert _text(side.full or side.short) == text
        assert (side.full is None) == (len(text) <= LONG)
        assert len(_text(side.short)) <= LONG + 10
    one, other = (side.full or side.short for side in sides(before, after))
    assert (one.head, one.tail) == (other.head, other.tail)


@pytest.mark.parametrize(
    ("before", "after", "marked"),
    [
        ("(Module)", "(Module, Wrapper)", ("", ", Wrapper")),
        ("class Tower", "class Towers", ("Tower", "Towers")),
        ("absent", "True", ("absent", "True")),
        ("same", "same", ("", "")),
        ("a = 10, b", "a = 20, b", ("10", "20")),
    ],
)
def test_what_differs_is_marked_in_whole_words(before: str, after: str, marked: tuple[str, str]) -> None:
    """Half a name that happens to agree is no agreement."""
    assert tuple(side.short.middle for side in sides(before, after)) == marked


def test_a_cut_keeps_what_differs() -> None:
    """However far inside a long value the difference is, the cut shows it."""
    before = ", ".join(f"name_{n}" for n in range(300))
    one, other = sides(before, before.replace("name_250,", "other_250,"))
    assert (one.short.middle, other.short.middle) == ("name_250", "other_250")


@given(sheet=DECORATIONS)
def test_every_change_is_in_its_place(sheet: DecorationSheet) -> None:
    """Each change once, under its subject and the words of its row; subjects and rows with mistakes come first."""
    drawn, words = _drawn(sheet), {each.row: each.thing or each.row for each in sheet.rows}
    lines = [(subject, row, line) for subject in drawn.subjects for row in subject.rows for line in row.lines]
    assert len(lines) == len(sheet.changes) == drawn.mistakes + drawn.allowed
    assert all(subject.name == line.change.subject for subject, _, line in lines)
    assert all(row.thing == words.get(line.change.row, line.change.row) for _, row, line in lines)
    wrong = [any(not line.change.allowed for line in row.lines) for row in drawn.subjects[0].rows] if lines else []
    assert wrong == sorted(wrong, reverse=True)
    assert [each.name for each in drawn.subjects] == list(dict.fromkeys(each.name for each in drawn.subjects))
    standing = [subject.wrong for subject in drawn.subjects]
    assert standing == sorted(standing, reverse=True)


def test_hundreds_of_changes_are_cut_aloud(tmp_path: Path) -> None:
    """Mistakes go first, what is not shown is counted, and the page stays small, its JSON too."""
    summary = _of(tmp_path, _violated(many(700)))
    source = html.render(summary)
    page = Page(source)
    assert f"700 changes by mistake, the first {MISTAKE_LIMIT} below and the rest in the records" in page.text
    assert f"{700 - ALLOWED_LIMIT} more allowed changes only in the records" in page.text
    assert "The record as JSON, without the changes that are not shown above" in page.text
    assert source.count(">by mistake<") == MISTAKE_LIMIT
    assert len(source) < 250_000


def test_the_same_cause_is_told_briefly(tmp_path: Path) -> None:
    """Of two violations with one cause the second shows a few changes."""
    source = html.render(_of(tmp_path, _violated(many(100)), _violated(many(100), "internvl")))
    assert source.count(">by mistake<") == MISTAKE_LIMIT + BRIEF
    assert "Decoration, minimal case" in source


def test_page_puts_both_sides_beside_each_other(tmp_path: Path) -> None:
    """Subjects, rows in words, both values, and a word for whether it was allowed."""
    page = Page(html.render(_of(tmp_path)))
    assert "6 changes by mistake. 2 allowed changes." in page.text
    assert "bases by mistake" in page.text
    assert "(torch.nn.Module)(torch.nn.Module, engine.CompileWrapper)" in page.text
    assert "Changed as allowed: module zoo.vision" in page.text
    assert page.tags["mark"] > 8
    for each in WRITTEN.changes:
        assert (each.before or "empty") in page.text
        assert (each.after or "empty") in page.text


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        (replace(WRITTEN, changes=()), "Nothing was changed by mistake. Nothing was changed at all."),
        (DecorationSheet(), "Nothing was changed by mistake. Nothing was changed at all."),
        (LEFT_ALONE, "Nothing was changed by mistake. 1 allowed change."),
    ],
)
def test_a_violation_without_mistakes_says_so(tmp_path: Path, sheet: DecorationSheet, words: str) -> None:
    """An empty sheet, and one in which all is allowed."""
    assert words in Page(html.render(_of(tmp_path, _violated(sheet)))).text


def test_a_run_is_told_by_rows(tmp_path: Path) -> None:
    """In how many decorations each thing was untouched, changed as allowed, or changed by mistake."""
    told = _told(tmp_path, WRITTEN, LEFT_ALONE, UNTOUCHED)
    seen = {row.thing.split(",")[0]: (row.standing, row.wrong, row.changed, row.looked_at) for row in told.rows}
    assert seen == {
        "`state_dict` keys": ("untouched", 0, 0, 3),
        "forward hooks and pre-hooks": ("mistake", 1, 1, 3),
        "class identity": ("mistake", 1, 1, 3),
        "pickling": ("unseen", 0, 0, 0),
        "undo": ("changed", 0, 2, 3),
    }
    assert (told.decorations, told.laws) == (3, (LAW,))
    text = Page(html.render(_of(tmp_path))).text
    for words in ("untouched in 4", "changed by mistake in 1 of 4", "changed, as allowed, in 3 of 4", "not looked at"):
        assert words in text


def _row(tmp_path: Path, *sheets: DecorationSheet) -> StoryRow:
    return _told(tmp_path, *sheets).rows[0]


def test_unseen_is_not_untouched(tmp_path: Path) -> None:
    """A row that nobody compared is not called untouched; a change in it shows that somebody looked."""
    row = DecorationRow(row="copies", thing="copies")
    assert _row(tmp_path, DecorationSheet(rows=(row,))).standing == "unseen"
    looked = DecorationSheet(rows=(replace(row, looked_at=True),))
    half = _row(tmp_path, looked, DecorationSheet(rows=(row,)))
    assert (half.standing, half.looked_at) == ("untouched", 1)
    seen = change("A", "deep copy", "itself", "works", "fails", row="copies", allowed=True)
    found = _row(tmp_path, DecorationSheet(rows=(row,), changes=(seen,)))
    assert (found.standing, found.looked_at) == ("changed", 1)


def test_a_row_without_words_is_shown_by_its_name(tmp_path: Path) -> None:
    """A change may name a row that no sheet lists."""
    row = _row(tmp_path, DecorationSheet(changes=(change("A", "bases", "itself", "x", "y", row="strange"),)))
    assert (row.thing, row.standing, row.kinds[0].example) == ("strange", "mistake", "A: bases: itself: was x, is y")


def test_kinds_of_change_are_counted_by_decoration(tmp_path: Path) -> None:
    """Many entries of one aspect are one kind; mistakes stand before what is allowed."""
    row = next(row for row in _told(tmp_path, many(30), many(5)).rows if row.thing.startswith("class"))
    assert [(kind.aspect, kind.allowed, kind.decorations) for kind in row.kinds] == [("__dict__", False, 2)]
    kinds = [change("A", f"aspect {n}", "itself", "x", "y", allowed=n != 4) for n in range(9)]
    row = _row(tmp_path, DecorationSheet(changes=tuple(kinds)))
    assert (row.kinds[0].aspect, len(row.kinds), row.kinds_left_out) == ("aspect 4", 6, 3)


def test_records_without_the_field_are_read(tmp_path: Path) -> None:
    """A file of an earlier release: no section, no link to it, and one line among the limits."""
    path = sample.write(tmp_path / "r.jsonl", (sample.law(LAW, "toy"),))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.pop("decoration", "absent") for line in lines][1] is None
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    source = html.render(summarise(read(path)))
    assert "#decoration" not in source
    assert 'id="decoration"' not in source
    assert "No verdict tells what decoration changes." in source


@pytest.mark.parametrize(
    ("sheet", "reason"),
    [
        ([], "law.decoration: expected an object, got []"),
        ({"changes": 3}, "law.decoration.changes: expected a list, got 3"),
        ({"changes": [{}]}, "law.decoration.changes[0]: the field 'subject' is missing"),
        ({"rows": [{"row": "a"}]}, "law.decoration.rows[0]: the field 'thing' is missing"),
        (
            {"rows": [{"row": "a", "thing": "b"}, {"row": "a", "thing": "c"}]},
            "law.decoration: rows: 'a' stands there 2 times, each row stands once",
        ),
        ({"titel": "a"}, "law.decoration: unknown field 'titel'; valid fields: title, changes, rows"),
    ],
)
def test_bad_sheets_are_refused(sheet: object, reason: str) -> None:
    """The text names the field, what stands there, and what would be valid."""
    line = {"kind": "law", "law": "a", "family": "b", "verdict": "holds", "decoration": sheet}
    with pytest.raises(RecordError) as refused:
        parse(decode(encode(line)), strict=True)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("row", "", "law.decoration.changes[0]: row must name a row of the table, got '' for 'A'"),
        ("allowed", "yes", "law.decoration.changes[0].allowed: expected bool, got 'yes'"),
        ("before", None, "law.decoration.changes[0].before: expected str, got None"),
    ],
)
def test_bad_changes_are_refused(field: str, value: object, reason: str) -> None:
    """A change that belongs nowhere, or whose sides are no text."""
    data = {**vars(change("A", "bases", "itself", "x", "y")), field: value}
    line = {"kind": "law", "law": "a", "family": "b", "verdict": "holds", "decoration": {"changes": [data]}}
    with pytest.raises(RecordError) as refused:
        parse(decode(encode(line)))
    assert str(refused.value) == reason


def test_text_and_markdown_name_the_mistakes(tmp_path: Path) -> None:
    """The first three of a violated cell and the number of the others; nothing of a cell that holds."""
    summary = _of(tmp_path)
    text, markdown = as_text(summary), as_markdown(summary)
    assert f"  changed: {one_line(WRITTEN.changes[0])}" in text
    assert "  changed: and 3 more changes by mistake" in text
    assert text.count("  changed: ") == 4
    assert "Changed by decoration, classes/untouched on internvl:" in markdown
    assert "- zoo.vision.Tower: bases: itself: was (torch.nn.Module), is (torch.nn.Module, engine.CompileWrapper)" in (
        markdown
    )
    assert "subclasses" not in text + markdown


@given(before=st.text(max_size=500), after=st.text(max_size=500))
def test_one_line_is_one_line(before: str, after: str) -> None:
    """Whatever the values are, a list of changes has one line for each, and a short one."""
    line = one_line(change("A" * 999, "bases", "b\n" * 500, before, after))
    assert len(line.splitlines()) == 1
    assert len(line) < 800
