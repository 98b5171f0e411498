"""What the invented run shows of ranks and of starts: batches shared out well and badly, cold and warm starts."""

from __future__ import annotations

from collections.abc import Mapping

from reports.schema import Violation
from reports.sheet_schema import MeasuredStart, RankShare, RanksSheet, SharedBatch, Sheet, StartPhase, StartupSheet

FOUR_RANKS = 4 / 3 - 1 / 12


def share(rank: int, items: tuple[tuple[int, int, int], ...], *, most: int, **more: object) -> RankShare:
    """A rank whose load and padding are those of its items, where the greatest rank has `most` output rows."""
    load, rows = (sum(item[part] for item in items) for part in (1, 2))
    return RankShare(rank=rank, items=items, load=load, padding=most - rows, **more)  # type: ignore[arg-type]  # fields by name


EVEN = SharedBatch(
    number=0, bound=FOUR_RANKS, best=88,
    ranks=(
        share(0, ((2, 64, 16),), most=22),
        share(1, ((0, 48, 12), (5, 16, 4)), most=22),
        share(2, ((1, 32, 8), (3, 32, 8), (4, 24, 6)), most=22),
        share(3, (), most=22),
    ),
)  # fmt: skip
WRONG = SharedBatch(
    number=1, bound=FOUR_RANKS, best=64, nowhere=((5, 16, 4),),
    ranks=(
        share(0, ((0, 64, 16), (1, 64, 16), (2, 16, 4), (3, 16, 4)), most=40),
        share(1, ((4, 16, 4), (3, 16, 4)), most=40),
        share(2, (), most=40, strangers=1),
        share(3, (), most=40, error="MemoryError: planted on a rank"),
    ),
)  # fmt: skip
"""Everything that can be wrong at once: too much on one rank, an item twice, one nowhere, a stranger, an exception."""

SHARED = RanksSheet(batches=(EVEN,))
SHARED_BADLY = RanksSheet(batches=(EVEN, WRONG))


def start(seconds: float, init: float, language: float, encoder: float, compiles: int, loads: int) -> MeasuredStart:
    """One start."""
    return MeasuredStart(
        seconds=seconds, init=init, language_model=language, encoder=encoder, compiles=compiles, loads=loads
    )


STARTS = StartupSheet(
    phases=(
        StartPhase(phase="cold", starts=(start(9.81, 6.2, 3.1, 1.2, 12, 0), start(10.4, 6.9, 3.3, 1.5, 12, 0))),
        StartPhase(phase="warm", starts=(start(3.1, 1.2, 0.31, 0.0002, 0, 12),)),
    ),
    note="toy, one worker, with its encoder compiled",
)

SHOWN: Mapping[tuple[str, str], Sheet] = {
    ("ranks/balanced", "toy"): SHARED,
    ("budgets/ladder-sorted", "toy"): STARTS,
}
"""By law and family, what a law of the invented run shows."""


def shares_violation(name: str = "5ba4e001") -> Violation:
    """The violation that goes with the batch that was shared out badly."""
    return Violation(
        id=name,
        expected="no rank with more than 80 input rows of batch 1",
        actual="by rank [160, 32, 0, 0]",
        because="items are shared out by their number, not by their input rows",
        case={"family": "toy", "ranks": 4},
        case_text="toy: 4 ranks",
        reproduce=('pytest "suite/tests/test_ranks.py::test_balanced[toy]"',),
    )
