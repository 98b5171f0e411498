"""Sheets go into records as the report reads them: of a violation its own case's, of a law that holds the fullest."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from reports.encoding import decode, encode
from reports.schema import Law as LawLine
from reports.validation import parse
from selftests.driver.hunting import WRONG, hunt
from selftests.driver.test_tickets import CELL, PLACE
from suite.contract.calls import SubjectFailed
from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.sheets import (
    MeasuredStart,
    RankShare,
    RanksSheet,
    SharedBatch,
    Sheet,
    StartPhase,
    StartupSheet,
    sheet_data,
)
from suite.contract.verdict import Verdict, holds, unknown
from suite.driver.recording import law_line
from suite.driver.search import Found
from suite.oracles.sizes import total_tokens

START = MeasuredStart(seconds=2.5, init=0.5, language_model=1.0, encoder=0.25, compiles=3, loads=0)
STARTUP = StartupSheet(
    phases=(StartPhase(phase="cold", starts=(START,)), StartPhase(phase="warm", starts=(START, START))), note="toy"
)


def _ranks(count: int) -> RanksSheet:
    """One batch over two ranks, the first of which has so many items."""
    items = tuple((index, 4, 1) for index in range(count))
    shares = (
        RankShare(rank=0, items=items, load=4 * count, padding=0),
        RankShare(rank=1, items=(), load=0, padding=count, error="MemoryError: planted", strangers=1),
    )
    return RanksSheet(batches=(SharedBatch(number=2, bound=1.25, best=4 * count, ranks=shares, nowhere=((9, 4, 1),)),))


def _line(found: Found) -> LawLine:
    line = parse(decode(encode(law_line(CELL, replace(found, law=CELL.law), PLACE))), strict=True)
    assert isinstance(line, LawLine)
    return line


@pytest.mark.parametrize("sheet", [_ranks(3), STARTUP], ids=lambda sheet: sheet.KIND)
def test_a_sheet_is_recorded_whole(sheet: Sheet) -> None:
    """Field by field what the law told, as the reader's own class of that kind."""
    told = _line(hunt(lambda _case, _given: holds(sheet=sheet))).sheet
    assert told is not None
    assert {"kind": told.KIND, **asdict(told)} == sheet_data(sheet)


def test_without_a_sheet_there_is_none() -> None:
    """A law that shows nothing has nothing drawn."""
    assert _line(hunt(lambda _case, _given: holds())).sheet is None


def test_a_law_that_holds_tells_the_fullest_sheet() -> None:
    """The one with most items, whenever it came."""
    counts = iter([1, 5, 2] * 99)
    found = hunt(lambda _case, _given: holds(sheet=_ranks(next(counts))))
    assert found.sheet == _ranks(5)


def test_a_violation_tells_its_own_case() -> None:
    """The sheet is that of the shrunk case, however full another one was; without one there is none."""

    def check(case: Case, _given: GuardedSubject) -> Verdict:
        tokens = total_tokens("toy", case.history[0])
        return replace(WRONG, sheet=_ranks(tokens)) if tokens >= 7 else holds(sheet=_ranks(99))

    def silent(case: Case, _given: GuardedSubject) -> Verdict:
        return WRONG if total_tokens("toy", case.history[0]) >= 7 else holds(sheet=_ranks(9))

    def lost(case: Case, _given: GuardedSubject) -> Verdict:
        return unknown("why") if total_tokens("toy", case.history[0]) >= 7 else holds(sheet=_ranks(9))

    assert hunt(check).sheet == _ranks(7)
    assert hunt(silent).sheet is None
    assert hunt(lost).sheet is None


def test_a_subject_that_fails_keeps_what_was_seen() -> None:
    """The failure carries the sheet into its verdict."""

    def check(_case: Case, _given: GuardedSubject) -> Verdict:
        failure = SubjectFailed("rank 1 raised MemoryError: planted")
        failure.sheet = _ranks(1)
        raise failure

    assert hunt(check).sheet == _ranks(1)
