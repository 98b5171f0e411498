"""Any sheet that the schema lets through, however little sense it makes."""

from __future__ import annotations

from hypothesis import strategies as st

from reports.sheet_schema import MOST, MeasuredStart, RankShare, RanksSheet, SharedBatch, StartPhase, StartupSheet
from selftests.reports.test_report_encoding import ANY_TEXT

NUMBERS = st.integers(0, 40) | st.integers(0, MOST)
ITEMS = st.lists(st.tuples(st.integers(0, 9), NUMBERS, NUMBERS), max_size=4).map(tuple)
SHARES = st.builds(
    RankShare,
    rank=NUMBERS,
    items=ITEMS,
    load=NUMBERS,
    padding=NUMBERS,
    error=st.none() | ANY_TEXT,
    strangers=st.integers(0, 2),
)
BATCHES = st.builds(
    SharedBatch,
    number=NUMBERS,
    bound=st.floats(1, 4 / 3) | st.floats(1, MOST),
    best=st.none() | NUMBERS,
    ranks=st.lists(SHARES, max_size=4).map(tuple),
    nowhere=ITEMS,
)
RANKS = st.builds(RanksSheet, batches=st.lists(BATCHES, max_size=2).map(tuple))

SECONDS = st.floats(0, 100) | st.floats()
STARTS = st.builds(
    MeasuredStart,
    seconds=SECONDS,
    init=SECONDS,
    language_model=SECONDS,
    encoder=SECONDS,
    compiles=st.integers(),
    loads=st.integers(0, 99),
)
PHASES = st.builds(StartPhase, phase=st.sampled_from(["cold", "warm"]), starts=st.lists(STARTS, max_size=4).map(tuple))
STARTUPS = st.builds(
    StartupSheet,
    phases=st.lists(PHASES, max_size=2, unique_by=lambda each: each.phase).map(tuple),
    note=ANY_TEXT,
)
DRAWN = RANKS | STARTUPS
