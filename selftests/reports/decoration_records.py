"""Any decoration that the schema lets through, however little sense it makes."""

from __future__ import annotations

from hypothesis import strategies as st

from reports.decoration_schema import ChangedThing, DecorationRow, DecorationSheet
from selftests.reports.test_report_encoding import ANY_TEXT

NAMES = st.sampled_from(["state", "class", "undo", "strange <row>"])
VALUES = ANY_TEXT | st.text("ab, ", max_size=400)
"""Long texts of few letters have much in common."""
CHANGES = st.builds(
    ChangedThing,
    subject=st.sampled_from(["A", "B"]) | ANY_TEXT,
    aspect=ANY_TEXT,
    what=ANY_TEXT,
    before=VALUES,
    after=VALUES,
    row=NAMES,
    allowed=st.booleans(),
)
ROWS = st.builds(DecorationRow, row=NAMES, thing=ANY_TEXT, promise=ANY_TEXT, looked_at=st.booleans())
DECORATIONS = st.builds(
    DecorationSheet,
    title=ANY_TEXT,
    changes=st.lists(CHANGES, max_size=5).map(tuple),
    rows=st.lists(ROWS, max_size=3, unique_by=lambda each: each.row).map(tuple),
)
