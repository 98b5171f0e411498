"""Any ledger and any compiled graph that the schema lets through, however little sense it makes."""

from __future__ import annotations

from hypothesis import strategies as st

from reports.compile_schema import CompiledGraph, LedgerAccount, LedgerEntry, LedgerSheet
from selftests.reports.test_report_encoding import ANY_TEXT

TIMES = st.floats(0, 1e6)
SPANS = st.tuples(TIMES, TIMES).map(sorted)
ENTRIES = st.builds(
    lambda span, **rest: LedgerEntry(start=span[0], end=span[1], **rest),
    span=SPANS,
    place=ANY_TEXT,
    component=ANY_TEXT,
    own=TIMES,
    thread=st.integers(0, 2),
    said=st.none() | st.floats(),
    also=st.none() | ANY_TEXT,
)
ACCOUNTS = st.builds(LedgerAccount, component=ANY_TEXT, expected=TIMES, counted=st.floats())
SHEETS = st.builds(
    LedgerSheet,
    title=ANY_TEXT,
    wall=TIMES,
    resolution=st.sampled_from([0.0, 0.01]),
    entries=st.lists(ENTRIES, max_size=3).map(tuple),
    accounts=st.lists(ACCOUNTS, max_size=2).map(tuple),
)
GRAPHS = st.builds(
    CompiledGraph,
    program=ANY_TEXT,
    backend=ANY_TEXT,
    component=ANY_TEXT,
    ranges=ANY_TEXT,
    wall=st.floats(),
    counted=st.floats(),
    trace_seconds=st.floats(),
    piece_seconds=st.lists(st.floats(), max_size=3).map(tuple),
    resolution=st.sampled_from([1e-6, 0.01, 1.0]),
)
