"""What ranks were seen to encode, as a sheet: whose items, loads, padding, what is nowhere and what is strange."""

from __future__ import annotations

from models.api import Grid
from suite.contract.case import ItemSpec
from suite.contract.sharding import RankAnswer
from suite.contract.sheets import RankShare, RanksSheet, sheet_data
from suite.oracles.makespan import EXACT_ITEMS, greedy_bound
from suite.oracles.ranks_sheet import MOST_LETTERS, shared_batch
from suite.oracles.sizes import rows, tokens

BATCH = tuple(ItemSpec(Grid(1, height, 2)) for height in (2, 4, 8, 2))
ITEMS = tuple((index, rows("toy", spec.grid), tokens("toy", spec.grid)) for index, spec in enumerate(BATCH))


def _shares(*encoded: tuple[int, ...]) -> tuple[RankShare, ...]:
    return shared_batch("toy", 3, BATCH, [RankAnswer(encoded=each) for each in encoded]).ranks


def test_items_carry_rows_and_tokens() -> None:
    """Each item with its place, its input rows and its output tokens, in the order in which it was encoded."""
    assert [share.items for share in _shares((2,), (3, 0, 1))] == [(ITEMS[2],), (ITEMS[3], ITEMS[0], ITEMS[1])]


def test_loads_are_input_rows_and_padding_output_rows() -> None:
    """By hand: 16 rows against 4 + 4 + 8, and no row to fill up; alone, the other rank lacks them all."""
    assert [(share.load, share.padding) for share in _shares((2,), (0, 1, 3))] == [(16, 0), (16, 0)]
    one, other = _shares((0, 1, 2, 3), ())
    assert (one.load, one.padding) == (32, 0)
    assert (other.load, other.padding) == (0, sum(size for _, _, size in ITEMS))


def test_the_best_and_the_bound_stand_beside() -> None:
    """Of four items on two ranks: halves, and Graham's bound for two."""
    found = shared_batch("toy", 3, BATCH, [RankAnswer(), RankAnswer()])
    assert (found.number, found.best, found.bound) == (3, 16, float(greedy_bound(2)))
    assert found.nowhere == ITEMS


def test_what_nobody_or_everybody_encoded_shows() -> None:
    """A doubled item stands with both ranks, a lost one apart, one of another batch is counted."""
    found = shared_batch("toy", 0, BATCH, [RankAnswer(encoded=(0, -1)), RankAnswer(encoded=(0, 1, 99))])
    assert [share.strangers for share in found.ranks] == [1, 1]
    assert [[index for index, _, _ in share.items] for share in found.ranks] == [[0], [0, 1]]
    assert [index for index, _, _ in found.nowhere] == [2, 3]


def test_errors_are_told_in_one_piece() -> None:
    """Type and text, of a long one the beginning; a rank that answered has none."""
    answers = [RankAnswer(error=MemoryError("planted")), RankAnswer(), RankAnswer(error=ValueError("x" * 999))]
    said = [share.error for share in shared_batch("toy", 0, BATCH, answers).ranks]
    assert said[:2] == ["MemoryError: planted", None]
    assert said[2] is not None
    assert len(said[2]) == MOST_LETTERS


def test_more_items_than_can_be_tried_have_no_best() -> None:
    """The sheet is drawn all the same."""
    many = BATCH[:1] * (EXACT_ITEMS + 1)
    assert shared_batch("toy", 0, many, [RankAnswer()]).best is None


def test_a_sheet_is_an_object_with_its_kind() -> None:
    """And it is the fuller, the more ranks have items and less than another."""
    one = shared_batch("toy", 0, BATCH, [RankAnswer(encoded=(0, 1, 2, 3)), RankAnswer()])
    two = shared_batch("toy", 0, BATCH, [RankAnswer(encoded=(0,)), RankAnswer(encoded=(1,))])
    assert RanksSheet(batches=(two,)).fullness > RanksSheet(batches=(one,)).fullness
    data = sheet_data(RanksSheet(batches=(one,)))
    assert (data["kind"], set(data)) == ("ranks", {"kind", "batches"})
