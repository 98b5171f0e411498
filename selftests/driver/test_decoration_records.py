"""What a law tells of decoration goes into its record: of a violation its own case, of a law that holds the fullest."""

from __future__ import annotations

from dataclasses import asdict, replace

from reports.encoding import decode, encode
from reports.schema import Law as LawLine
from reports.validation import parse
from selftests.contract.invented import CASE
from selftests.driver.hunting import WRONG, hunt
from selftests.driver.test_tickets import CELL, PLACE
from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.verdict import ChangedThing, DecorationSheet, Verdict, Violation, holds, unknown
from suite.driver.recording import law_line, text_of
from suite.driver.search import Found
from suite.driver.ticket import Ticket
from suite.oracles.class_aspects import PROMISES, ROWS
from suite.oracles.sizes import total_tokens

CHANGE = ChangedThing("Tower", "bases", "itself", before="(A)", after="(A, B)", row="class", allowed=False)


def _sheet(count: int, title: str = "Tower") -> DecorationSheet:
    return DecorationSheet(title, (CHANGE,) * count, looked_at=("class", "undo"))


def _line(found: Found) -> LawLine:
    line = parse(decode(encode(law_line(CELL, replace(found, law=CELL.law), PLACE))), strict=True)
    assert isinstance(line, LawLine)
    return line


def _told(found: Found) -> tuple[str, int]:
    line = _line(found)
    assert line.decoration is not None
    return line.decoration.title, len(line.decoration.changes)


def test_a_sheet_is_recorded_with_the_words_of_its_rows() -> None:
    """Every field of every change, and every row of the table with what must hold and whether anybody looked."""
    sheet = _line(hunt(lambda _case, _given: holds(decoration=_sheet(1)))).decoration
    assert sheet is not None
    assert [asdict(each) for each in sheet.changes] == [asdict(CHANGE)]
    assert [(each.row, each.thing, each.promise) for each in sheet.rows] == [
        (row, thing, PROMISES[row]) for row, thing in ROWS.items()
    ]
    assert {each.row for each in sheet.rows if each.looked_at} == {"class", "undo"}


def test_without_a_sheet_there_is_none() -> None:
    """A law that does not look at decoration says nothing of it."""
    assert _line(hunt(lambda _case, _given: holds())).decoration is None


def test_a_law_that_holds_tells_the_fullest_sheet() -> None:
    """Of all its cases the first in which most changed, whatever came later."""
    count = 0

    def check(_case: Case, _given: GuardedSubject) -> Verdict:
        nonlocal count
        count += 1
        return holds(decoration=_sheet(5 - abs(count - 5) % 6, f"case {count}") if count % 3 else None)

    assert _told(hunt(check)) == ("case 5", 5)


def test_an_empty_sheet_is_told() -> None:
    """Nothing changed is something to tell: no sheet at all is not the same."""
    assert _told(hunt(lambda _case, _given: holds(decoration=_sheet(0)))) == ("Tower", 0)


def test_of_empty_sheets_the_one_that_looked_at_most_is_told() -> None:
    """Where nothing changed, what was compared is what there is to tell."""
    rows = (("class",), ("class", "undo"), ("hooks",))
    sheets = iter([DecorationSheet(str(each), (), each) for each in rows] * 20)
    assert _told(hunt(lambda _case, _given: holds(decoration=next(sheets)))) == (str(("class", "undo")), 0)


def test_a_violation_tells_its_own_case() -> None:
    """The sheet is that of the shrunk case, however much another case changed."""

    def check(case: Case, _given: GuardedSubject) -> Verdict:
        tokens = total_tokens("toy", case.history[0])
        sheet = _sheet(tokens, f"{tokens} tokens")
        return replace(WRONG, decoration=sheet) if tokens >= 7 else holds(decoration=_sheet(99))

    found = hunt(check)
    assert _told(found) == ("7 tokens", 7)


def test_a_violation_without_a_sheet_borrows_none() -> None:
    """Changes of a case that held would be taken for the cause; an unknown verdict has none either."""

    def broken(case: Case, _given: GuardedSubject) -> Verdict:
        return WRONG if total_tokens("toy", case.history[0]) >= 7 else holds(decoration=_sheet(9))

    def lost(case: Case, _given: GuardedSubject) -> Verdict:
        return unknown("why") if total_tokens("toy", case.history[0]) >= 7 else holds(decoration=_sheet(9))

    assert _line(hunt(broken)).decoration is None
    assert _line(hunt(lost)).decoration is None


def test_the_text_lists_the_mistakes() -> None:
    """What a terminal shows of a violation names what was changed."""
    violation = Violation(expected="a", actual="b", because="c")
    found = replace(hunt(lambda _case, _given: replace(WRONG, decoration=_sheet(1))), case=CASE)
    text = text_of(violation, Ticket(CELL.law.id, "reference", "", "emulator", CASE), found, PLACE)
    assert "\n  changed    Tower: bases: itself: was (A), is (A, B)\n" in text
